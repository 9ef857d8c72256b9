"""Settings of alerts as frozen values: channels, and the routes that lead to them."""

from __future__ import annotations

from typing import Literal

from mfl_lint.config_kinds import Count, Positive, Seconds, Settings, SomeSeconds

Family = Literal["", "short", "markdown", "html"]


class ChannelConfig(Settings, frozen=True):
    """Where messages go. Secrets are read when they are needed, from a variable or a file.

    `url` is where a webhook or an Alertmanager is; that of apprise is a secret always and stands
    in `url_env` or `url_file`. `secret_env` or `secret_file` holds what a webhook signs with,
    `token_env` or `token_file` the bearer token for an Alertmanager. `format`: short, markdown or
    html, "" for what suits the service. `title` and `body` are templates in place of ours.
    """

    name: str
    kind: Literal["webhook", "alertmanager", "apprise"]
    url: str = ""
    url_env: str = ""
    url_file: str = ""
    secret_env: str = ""
    secret_file: str = ""
    token_env: str = ""
    token_file: str = ""
    format: Family = ""
    title: str = ""
    body: str = ""
    timeout_s: SomeSeconds = 15.0


class QuietConfig(Settings, frozen=True):
    """Hours in which nothing is sent, from `start` to `end` (HH:MM) by the clocks of `zone`.

    There are none unless both are set.
    """

    start: str = ""
    end: str = ""
    zone: str = "UTC"


class DigestConfig(Settings, frozen=True):
    """One report in place of messages: daily or weekly, at HH:MM by the clocks of `zone`.

    None unless `every` is set. `day` is that of a weekly report, 1 = Monday.
    """

    every: Literal["", "daily", "weekly"] = ""
    at: str = "08:00"
    zone: str = "UTC"
    day: Positive = 1


class RouteConfig(Settings, frozen=True):
    """Which news go to which channels. `registries`, `repositories` and `tags` are globs.

    `rules` are ids, slugs or families, empty for all; `severity` is the least. `states`: which
    kinds of news. `wait_s`: how long news of a group are gathered before they are sent;
    `repeat_s`: after how long what still stands is said again (0 = never). `rate`: at most so
    many messages an hour (0 = any number); more are gathered into one.
    """

    name: str
    channels: tuple[str, ...]
    registries: tuple[str, ...] = ("*",)
    repositories: tuple[str, ...] = ("*",)
    tags: tuple[str, ...] = ("*",)
    rules: tuple[str, ...] = ()
    severity: Literal["error", "warning", "info"] = "warning"
    states: tuple[str, ...] = (
        "opened", "worsened", "resolved", "unknown", "flapping", "recovered",
    )  # fmt: skip
    group_by: Literal["repository", "registry", "rule"] = "repository"
    wait_s: Seconds = 30.0
    repeat_s: Seconds = 0.0
    rate: Count = 60
    quiet: QuietConfig = QuietConfig()
    digest: DigestConfig = DigestConfig()


class AlertConfig(Settings, frozen=True):
    """Who is told of what. `url` is where people reach this service, for links.

    `after_crawl`: `mfl-lint crawl` sends too. `flapping_changes` openings and resolvings of one
    finding within `flapping_s` are a tag that flaps; so long without one, and it is calm again.
    `give_up_s`: a message that could not be delivered for so long is a dead letter. `keep_s`: how
    long what was sent is remembered.
    """

    url: str = ""
    after_crawl: bool = False
    flapping_changes: Positive = 4
    flapping_s: SomeSeconds = 24 * 3600.0
    give_up_s: SomeSeconds = 24 * 3600.0
    keep_s: SomeSeconds = 30 * 86400.0
    channel: tuple[ChannelConfig, ...] = ()
    route: tuple[RouteConfig, ...] = ()

    def channel_of(self, name: str) -> ChannelConfig | None:
        """Return the channel of that name."""
        return next((one for one in self.channel if one.name == name), None)

    def has_alertmanager(self, route: RouteConfig) -> bool:
        """Say whether a route leads to an Alertmanager."""
        channels = map(self.channel_of, route.channels)
        return any(one is not None and one.kind == "alertmanager" for one in channels)

    def route_of(self, name: str) -> RouteConfig | None:
        """Return the route of that name."""
        return next((one for one in self.route if one.name == name), None)
