"""Settings that parse and still cannot work; each is named with its key."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable
from typing import Final

from mfl_lint.config import RegistryConfig, Scheme
from mfl_lint.core.errors import ConfigInvalid
from mfl_lint.core.platform import KNOWN_PAIRS, Platform
from mfl_lint.core.reference import DEFAULT_REGISTRY, is_repository, is_tag

MAX_GLOB: Final = 255
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?")
_HOST: Final = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,253}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
)


def check_globs(patterns: Iterable[str], key: str) -> None:
    """Raise ConfigInvalid for a pattern that no name could match, or that is a burden."""
    for pattern in patterns:
        if not pattern or len(pattern) > MAX_GLOB:
            raise ConfigInvalid(f"{key}: a pattern must have 1 to {MAX_GLOB} characters")


def check_known(platforms: Iterable[Platform], canonical: Iterable[Platform], key: str) -> None:
    """Raise ConfigInvalid for a demanded platform that nothing is built for: a typing error."""
    spelt = {(platform.os, platform.architecture) for platform in canonical}
    for platform in platforms:
        pair = (platform.normalized().os, platform.normalized().architecture)
        if pair not in KNOWN_PAIRS and pair not in spelt:
            names = ["/".join(known) for known in KNOWN_PAIRS]
            close = difflib.get_close_matches("/".join(pair), names, 1)
            hint = f'did you mean "{close[0]}"?' if close else "add it to policy.known_platforms"
            raise ConfigInvalid(f"{key}: nothing is built for {str(platform)!r:.60}; {hint}")


def check_registry(registry: RegistryConfig, key: str) -> None:
    """Raise ConfigInvalid where a registry's settings cannot work."""
    if not _NAME.fullmatch(registry.name):
        raise ConfigInvalid(
            f"{key}.name: {registry.name!r:.70} must be 1 to 63 of a-z, 0-9, '.', '_', '-'"
        )
    if not _HOST.fullmatch(registry.host):
        hint = "without a scheme or path" if "/" in registry.host else "as host or host:port"
        raise ConfigInvalid(f"{key}.host: write {registry.host!r:.100} {hint}; see {key}.scheme")
    if int(registry.host.rpartition("]")[2].partition(":")[2] or 1) not in range(1, 65536):
        raise ConfigInvalid(f"{key}.host: {registry.host!r:.100} has no port from 1 to 65535")
    if registry.rate == math.inf:
        raise ConfigInvalid(f"{key}.rate: write 0 for no limit")
    if registry.cron and registry.interval_s:
        raise ConfigInvalid(f"{key}.cron: set either cron or interval, not both")
    if registry.cron and len(registry.cron.split()) != 5:
        raise ConfigInvalid(f"{key}.cron: {registry.cron!r:.60} must have five fields")
    if registry.scheme is Scheme.HTTP and registry.ca_file:
        raise ConfigInvalid(f"{key}.ca_file: means nothing with scheme http")
    for name in ("repositories", "exclude_repositories", "tags", "exclude_tags"):
        check_globs(getattr(registry, name), f"{key}.{name}")
    _check_names(registry, key)


def _check_names(registry: RegistryConfig, key: str) -> None:
    """Raise ConfigInvalid for an exact repository or tag that no registry can have."""
    for name in _exact(registry.repositories):
        if not is_repository(name):
            raise ConfigInvalid(f"{key}.repositories: {name!r:.100} is no repository's name")
        if registry.host == DEFAULT_REGISTRY and "/" not in name:
            raise ConfigInvalid(
                f'{key}.repositories: on Docker Hub {name!r:.100} is "library/{name}"'
            )
    for tag in _exact(registry.tags):
        if not is_tag(tag):
            raise ConfigInvalid(f"{key}.tags: {tag!r:.100} is no tag")


def _exact(patterns: Iterable[str]) -> Iterable[str]:
    return (pattern for pattern in patterns if "*" not in pattern and "?" not in pattern)
