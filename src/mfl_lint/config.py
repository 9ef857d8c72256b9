"""Settings as frozen values. How they are read from TOML stands in `config_file.py`.

Those of alerts stand in `config_alert.py`, of pages in `config_serve.py`, of retention in
`config_retention.py`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from mfl_lint.config_alert import AlertConfig
from mfl_lint.config_kinds import Count, Positive, Seconds, Settings, Share, SomeSeconds
from mfl_lint.config_retention import RetentionConfig
from mfl_lint.config_serve import ServeConfig
from mfl_lint.core.policy import Policy
from mfl_lint.core.windows import DAYS, Window, closes_at

HookKind = Literal[
    "distribution", "dockerhub", "ghcr", "quay", "harbor", "acr", "cloudevents", "generic"
]


class Scheme(StrEnum):
    """How a registry is spoken to; `auto` is https, and plain http too on loopback."""

    AUTO = "auto"
    HTTPS = "https"
    HTTP = "http"


class CredentialsConfig(Settings, frozen=True):
    """Where a registry's credentials are found; nothing is ever inline but the user's name.

    Each secret is read when it is needed: from the environment variable or the file named.
    `docker_config` says whether `~/.docker/config.json` is asked when none of these is set.
    """

    username: str = ""
    username_env: str = ""
    password_env: str = ""
    password_file: str = ""
    token_env: str = ""
    token_file: str = ""
    docker_config: bool = True
    anonymous: bool = False


class HotConfig(Settings, frozen=True):
    """What is looked at more often than all of its registry: `tags` of `repositories`.

    Both are names or patterns. Known tags only; without `tags` all of each known repository is
    listed and looked at.
    """

    interval_s: SomeSeconds
    repositories: tuple[str, ...] = ("*",)
    tags: tuple[str, ...] = ()


class MaintenanceConfig(Settings, frozen=True):
    """When a registry is not crawled by schedule: from `begins` to `ends` (`HH:MM`) on `days`.

    One that ends no later than it begins ends on the next day. `time_zone` is an IANA name.
    """

    begins: str
    ends: str
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = DAYS
    time_zone: str = "UTC"

    def window(self) -> Window:
        """Return the window as a value that can be asked."""
        times = (text.split(":") for text in (self.begins, self.ends))
        begins, ends = (int(hours) * 60 + int(minutes) for hours, minutes in times)
        return Window(tuple(map(DAYS.index, self.days)), begins, ends, self.time_zone)


class WritingConfig(CredentialsConfig, frozen=True):
    """Credentials for writing: docker's own are used only where that is said."""

    docker_config: bool = False


class PushConfig(Settings, frozen=True):
    """Whether people of the service may push mended lists, and to which tags; with what.

    The credentials for reading are never used for it, nor docker's where none are named.
    """

    enabled: bool = False
    tags: tuple[str, ...] = ("*",)
    credentials: WritingConfig = WritingConfig()


class RegistryConfig(Settings, frozen=True):
    """One registry to look at. `name` is a unique slug, `host` is `host` or `host:port`.

    `repositories` are exact names or globs; exact names need no catalogue. `newest` keeps the
    newest N version tags of each repository (0 = all). `interval_s` and `cron` exclude one
    another; both unset = crawled on request only, but for what is `hot`. `concurrency` and `rate`
    (requests a second, 0 = unlimited) are None for the default of the kind of host (3 and 5;
    loopback and `own` hosts 32 and 0). `realm_hosts` are token servers that may be private
    addresses.
    `sparse`: lists may name children that were never copied. `proxy`: it passes on what another
    registry holds. `check_blobs`: whether layers are there is looked at too. `deep`: layers are
    read, to see which program an image starts. `visible_to`: who sees it where access is
    controlled: `users` (who signed in), `everyone`, or names of users; admins see everything.
    """

    name: str
    host: str
    scheme: Scheme = Scheme.AUTO
    verify_tls: bool = True
    ca_file: str = ""
    repositories: tuple[str, ...] = ("*",)
    exclude_repositories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ("*",)
    exclude_tags: tuple[str, ...] = ()
    newest: Count = 0
    cron: str = ""
    interval_s: Seconds = 0.0
    hot: tuple[HotConfig, ...] = ()
    maintenance: tuple[MaintenanceConfig, ...] = ()
    concurrency: Positive | None = None
    rate: Annotated[float, msgspec.Meta(ge=0)] | None = None
    own: bool = False
    sparse: bool = False
    proxy: bool = False
    check_blobs: bool = False
    deep: bool = False
    realm_hosts: tuple[str, ...] = ()
    visible_to: tuple[str, ...] = ("users",)
    credentials: CredentialsConfig = CredentialsConfig()
    push: PushConfig = PushConfig()


class HookConfig(Settings, frozen=True):
    """Where a registry tells of pushes: `/hooks/NAME`. It is a hint: the registry is read.

    `proof` is how a sender is known: `hmac` (SHA-256 over the body, in `header`), `header` (the
    secret itself is in `header`) or `url` (`?secret=…`); "" for what registries of that kind can
    do. `per_minute`: how many requests are taken.
    """

    name: str
    kind: HookKind
    registry: str
    proof: Literal["", "hmac", "header", "url"] = ""
    header: str = ""
    secret_env: str = ""
    secret_file: str = ""
    per_minute: Positive = 6000

    @property
    def proven_by(self) -> str:
        """Return how a sender is known: as configured, else what that kind of registry can do."""
        return self.proof or {"ghcr": "hmac", "dockerhub": "url", "quay": "url"}.get(
            self.kind, "header"
        )


class HttpConfig(Settings, frozen=True):
    """The transport's bounds, for every host; `layer_timeout_s` is that of reading one layer."""

    timeout_s: SomeSeconds = 30.0
    layer_timeout_s: SomeSeconds = 600.0
    connect_timeout_s: SomeSeconds = 10.0
    retries: Count = 4
    backoff_s: Seconds = 0.5
    backoff_max_s: Seconds = 60.0
    breaker_failures: Positive = 10
    breaker_pause_s: Seconds = 60.0


class CrawlConfig(Settings, frozen=True):
    """How crawls go. `presence_age_s`: after that long a child's presence is looked at again.

    `confirm_gone_s`: how far apart two 404s must be before a tag counts as gone. `missed_rounds`:
    after how many failed looks a finding is unknown. `vanish_share` and `vanish_minimum`: when
    more tags vanish in one round, all are held. `repositories_at_once` are crawled by each of
    `processes` (0 = as many as pay). `lease_s`: how long a killed crawl's repository
    stays reserved. `jitter`: the share of the interval by which schedules vary.
    """

    presence_age_s: Seconds = 24 * 3600.0
    confirm_gone_s: Seconds = 600.0
    missed_rounds: Positive = 3
    vanish_share: Share = 0.2
    vanish_minimum: Count = 10
    repositories_at_once: Positive = 4
    processes: Count = 0
    lease_s: SomeSeconds = 120.0
    jitter: Share = 0.1


class DeepConfig(Settings, frozen=True):
    """How much of a layer is read: so many MiB at most, as it is sent, and unpacked."""

    layer_mib: Positive = 2048
    unpacked_mib: Positive = 4096


class DatabaseConfig(Settings, frozen=True):
    """`url` without a driver: `sqlite:///mfl-lint.db`, `postgresql://user@host/name`.

    `url_env` names an environment variable that holds the URL, so that a password stays out.
    """

    url: str = "sqlite:///mfl-lint.db"
    url_env: str = ""


class QueueConfig(Settings, frozen=True):
    """Who crawls: `memory` is the service itself; `postgresql` are workers, on any machines.

    `stalled_s`: a worker that gave no sign of life for so long is taken to be dead, and what it
    was at is done by another.
    """

    backend: Literal["memory", "postgresql"] = "memory"
    stalled_s: Annotated[float, msgspec.Meta(ge=2)] = 10.0


class ScanConfig(Settings, frozen=True):
    """What `mfl-lint scan` does where its options do not say. `baseline` is beside the file."""

    fail_on: Literal["error", "warning", "info", "never"] = "error"
    baseline: str = ""


class Config(msgspec.Struct, frozen=True):
    """All settings. `path` is the file they came from, None for the defaults alone.

    `notices` are lines on how the file was found that its user should know.
    """

    registries: tuple[RegistryConfig, ...] = ()
    hooks: tuple[HookConfig, ...] = ()
    database: DatabaseConfig = DatabaseConfig()
    queue: QueueConfig = QueueConfig()
    crawl: CrawlConfig = CrawlConfig()
    http: HttpConfig = HttpConfig()
    serve: ServeConfig = ServeConfig()
    deep: DeepConfig = DeepConfig()
    scan: ScanConfig = ScanConfig()
    alert: AlertConfig = AlertConfig()
    retention: RetentionConfig = RetentionConfig()
    policy: Policy = Policy()
    path: Path | None = None
    notices: tuple[str, ...] = ()

    def registry(self, name: str) -> RegistryConfig | None:
        """Return the registry of that configured name."""
        return next((item for item in self.registries if item.name == name), None)

    def hook(self, name: str) -> HookConfig | None:
        """Return the webhook of that name."""
        return next((item for item in self.hooks if item.name == name), None)


def windows_of(config: Config, registry: str) -> tuple[Window, ...]:
    """Return a registry's maintenance windows."""
    found = config.registry(registry)
    return tuple(one.window() for one in found.maintenance) if found is not None else ()


def maintained_until(config: Config, registry: str, now: datetime) -> datetime | None:
    """Return until when a registry is maintained, a day at most; None where it is not."""
    end = closes_at(windows_of(config, registry), now)
    latest = now + timedelta(days=1)
    return None if end == now else min(end or latest, latest)
