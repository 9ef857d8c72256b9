"""Settings that parse and still cannot work; each is named with its key."""

from __future__ import annotations

import difflib
import ipaddress
import math
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from mfl_lint.config import HookConfig, RegistryConfig, Scheme
from mfl_lint.config_retention import RetentionConfig
from mfl_lint.config_serve import OidcConfig, ProxyConfig, ServeConfig
from mfl_lint.core.access import EVERYONE, USERS, user_name
from mfl_lint.core.errors import ConfigInvalid, Refused
from mfl_lint.core.platform import KNOWN_PAIRS, Platform
from mfl_lint.core.reference import DEFAULT_REGISTRY, is_repository, is_tag

MAX_GLOB: Final = 255
MAX_MISTAKES: Final = 50
_SHORTEST_KEPT_S: Final = 86400.0
# A report speaks of a week, and news of so long ago are still told.
_REPORTED_S: Final = 8 * 86400.0
_LONGEST_SESSION_S: Final = 90 * 86400.0
_NAME_OF_HOST: Final = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[?[0-9A-Fa-f:.]+\]?"
)
_HEADER: Final = re.compile(r"[A-Za-z0-9-]{1,60}")
_TIME: Final = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")
_SHORTEST_INTERVAL_S: Final = 10.0
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?")
_HOST: Final = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,253}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
)


def check_globs(patterns: Iterable[str], key: str) -> None:
    """Raise ConfigInvalid for patterns that no name could match, or that are a burden."""
    if not all(0 < len(pattern) <= MAX_GLOB for pattern in patterns):
        raise ConfigInvalid(f"{key}: a pattern must have 1 to {MAX_GLOB} characters")


def check_known(platforms: Iterable[Platform], canonical: Iterable[Platform], key: str) -> None:
    """Raise ConfigInvalid for demanded platforms that nothing is built for: typing errors."""
    _refuse([*islice(_unknown(platforms, canonical, key), MAX_MISTAKES)])


def _unknown(
    platforms: Iterable[Platform], canonical: Iterable[Platform], key: str
) -> Iterator[str]:
    spelt = {(platform.os, platform.architecture) for platform in canonical}
    for platform in platforms:
        pair = (platform.normalized().os, platform.normalized().architecture)
        if pair not in KNOWN_PAIRS and pair not in spelt:
            names = ["/".join(known) for known in KNOWN_PAIRS]
            close = difflib.get_close_matches("/".join(pair), names, 1)
            hint = f'did you mean "{close[0]}"?' if close else "add it to policy.known_platforms"
            yield f"{key}: nothing is built for {str(platform)!r:.60}; {hint}"


def check_retention(retention: RetentionConfig, flapping_s: float) -> None:
    """Raise ConfigInvalid for what would be removed while it is needed.

    `flapping_s`: for so long alerts look back at what happened to a finding.
    """
    longer = {"resolved_s": _REPORTED_S, "transitions_s": max(_REPORTED_S, flapping_s)}
    _refuse(
        [
            f"retention.{name.removesuffix('_s')}: keep it for {_days(least_s)} at least, "
            "or for ever with 0"
            for name, kept_s in msgspec.structs.asdict(retention).items()
            if 0 < kept_s < (least_s := longer.get(name, _SHORTEST_KEPT_S))
        ]
    )


def _days(seconds: float) -> str:
    number = math.ceil(seconds / _SHORTEST_KEPT_S)
    return f"{number} days" if number > 1 else "a day"


def check_registry(registry: RegistryConfig, key: str) -> None:
    """Raise ConfigInvalid with all of a registry's settings that cannot work."""
    _refuse(
        [
            *_address(registry, key),
            *_together(registry, key),
            *_patterns(registry, key),
            *_people(registry, key),
            *_times(registry, key),
        ]
    )


def check_hook(hook: HookConfig, key: str, registries: Collection[str]) -> None:
    """Raise ConfigInvalid with all of a webhook's settings that cannot work."""
    _refuse([*_hooked(hook, key, registries)])


def _hooked(hook: HookConfig, key: str, registries: Collection[str]) -> Iterator[str]:
    if not _NAME.fullmatch(hook.name):
        yield f"{key}.name: {hook.name!r:.70} must be 1 to 63 of a-z, 0-9, '.', '_', '-'"
    if hook.registry not in registries:
        yield f"{key}.registry: no registry is called {hook.registry!r:.70}"
    if bool(hook.secret_env) == bool(hook.secret_file):
        yield f"{key}.secret_env: name the secret's variable, or its file in secret_file"
    if hook.header and not _HEADER.fullmatch(hook.header):
        yield f"{key}.header: {hook.header!r:.60} is no header's name"
    if hook.header and hook.proven_by == "url":
        yield f"{key}.header: means nothing where the secret is in the address"


def check_serve(serve: ServeConfig) -> None:
    """Raise ConfigInvalid with all settings of pages that cannot work."""
    _refuse([*_served(serve), *_proxied(serve.proxy), *_issued(serve.oidc)])


def _served(serve: ServeConfig) -> Iterator[str]:
    for name in serve.hosts:
        if not _NAME_OF_HOST.fullmatch(name):
            yield f"serve.hosts: {name!r:.100} is no name; write it without scheme, port and path"
    if serve.hsts_s and not serve.https:
        yield "serve.hsts: means nothing without https = true"
    if serve.session_s > _LONGEST_SESSION_S:
        yield "serve.session: at most 90d"


def _proxied(proxy: ProxyConfig) -> Iterator[str]:
    for text in proxy.addresses:
        try:
            ipaddress.ip_network(text, strict=False)
        except ValueError:
            yield f"serve.proxy.addresses: {text!r:.60} is no address and no network"
    if proxy.user_header and not _HEADER.fullmatch(proxy.user_header):
        yield f"serve.proxy.user_header: {proxy.user_header!r:.60} is no header's name"
    if proxy.user_header and not proxy.addresses:
        yield "serve.proxy.addresses: say from where the header is believed"


def _issued(oidc: OidcConfig) -> Iterator[str]:
    if not oidc.issuer:
        return
    for name in ("issuer", "url"):
        if not _is_safe_url(getattr(oidc, name)):
            yield f"serve.oidc.{name}: write it as https://host, without query and fragment"
    for name in ("client_id", "name_claim"):
        if not getattr(oidc, name):
            yield f"serve.oidc.{name}: is needed beside issuer"


def _is_safe_url(text: str) -> bool:
    """Say whether it is https, or http on this machine, and nothing but a place."""
    try:
        url = urlsplit(text)
        host = url.hostname or ""
    except ValueError:
        return False
    safe = url.scheme == "https" or (url.scheme == "http" and host in ("127.0.0.1", "localhost"))
    return safe and bool(host) and "@" not in url.netloc and not url.query and not url.fragment


def _times(registry: RegistryConfig, key: str) -> Iterator[str]:
    """Yield what is no time, and patterns of what is looked at more often that match nothing."""
    for number, hot in enumerate(registry.hot):
        for name in ("repositories", "tags"):
            try:
                check_globs(getattr(hot, name), f"{key}.hot[{number}].{name}")
            except ConfigInvalid as error:
                yield from error.mistakes
        if hot.interval_s < _SHORTEST_INTERVAL_S:
            yield f"{key}.hot[{number}].interval: at least {_SHORTEST_INTERVAL_S:.0f}s"
    for number, window in enumerate(registry.maintenance):
        for name in ("begins", "ends"):
            if not _TIME.fullmatch(getattr(window, name)):
                text = getattr(window, name)
                yield f'{key}.maintenance[{number}].{name}: {text!r:.60}: write it as "22:30"'
        if not _is_zone(window.time_zone):
            yield (
                f"{key}.maintenance[{number}].time_zone: {window.time_zone!r:.60} is not known on "
                "this machine; write it as Europe/Berlin (its data is in the package tzdata)"
            )


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _people(registry: RegistryConfig, key: str) -> Iterator[str]:
    """Yield who cannot be anybody."""
    for name in registry.visible_to:
        try:
            known = name in (EVERYONE, USERS) or user_name(name) == name
        except Refused:
            known = False
        if not known:
            yield f'{key}.visible_to: {name!r:.60} is neither "users" nor "everyone" nor a name'


def _refuse(mistakes: Sequence[str]) -> None:
    if mistakes:
        raise ConfigInvalid(*mistakes)


def _address(registry: RegistryConfig, key: str) -> Iterator[str]:
    """Yield what is wrong with the name and the host."""
    if not _NAME.fullmatch(registry.name):
        yield f"{key}.name: {registry.name!r:.70} must be 1 to 63 of a-z, 0-9, '.', '_', '-'"
    if not _HOST.fullmatch(registry.host):
        hint = "without a scheme or path" if "/" in registry.host else "as host or host:port"
        yield f"{key}.host: write {registry.host!r:.100} {hint}; see {key}.scheme"
    elif int(registry.host.rpartition("]")[2].partition(":")[2] or 1) not in range(1, 65536):
        yield f"{key}.host: {registry.host!r:.100} has no port from 1 to 65535"


def _together(registry: RegistryConfig, key: str) -> Iterator[str]:
    """Yield settings that mean nothing, or nothing beside one another."""
    if registry.rate == math.inf:
        yield f"{key}.rate: write 0 for no limit"
    if registry.cron and registry.interval_s:
        yield f"{key}.cron: set either cron or interval, not both"
    if registry.cron and len(registry.cron.split()) != 5:
        yield f"{key}.cron: {registry.cron!r:.60} must have five fields"
    if registry.scheme is Scheme.HTTP and registry.ca_file:
        yield f"{key}.ca_file: means nothing with scheme http"


def _patterns(registry: RegistryConfig, key: str) -> Iterator[str]:
    """Yield patterns that match nothing, and exact names that no registry can have."""
    for name in ("repositories", "exclude_repositories", "tags", "exclude_tags"):
        try:
            check_globs(getattr(registry, name), f"{key}.{name}")
        except ConfigInvalid as error:
            yield from error.mistakes
    for name in _exact(registry.repositories):
        if not is_repository(name):
            yield f"{key}.repositories: {name!r:.100} is no repository's name"
        elif registry.host == DEFAULT_REGISTRY and "/" not in name:
            yield f'{key}.repositories: on Docker Hub {name!r:.100} is "library/{name}"'
    for tag in _exact(registry.tags):
        if not is_tag(tag):
            yield f"{key}.tags: {tag!r:.100} is no tag"


def _exact(patterns: Iterable[str]) -> Iterable[str]:
    """Yield what is no pattern; one that is empty or too long is told already."""
    for pattern in patterns:
        if 0 < len(pattern) <= MAX_GLOB and "*" not in pattern and "?" not in pattern:
            yield pattern
