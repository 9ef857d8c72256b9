"""Settings that parse and still cannot work; each is named with its key."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from mfl_lint.config import RegistryConfig, Scheme
from mfl_lint.core.errors import ConfigInvalid
from mfl_lint.core.platform import KNOWN_PAIRS, Platform
from mfl_lint.core.reference import DEFAULT_REGISTRY, is_repository, is_tag

MAX_GLOB: Final = 255
MAX_MISTAKES: Final = 50
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


def check_registry(registry: RegistryConfig, key: str) -> None:
    """Raise ConfigInvalid with all of a registry's settings that cannot work."""
    _refuse([*_address(registry, key), *_together(registry, key), *_patterns(registry, key)])


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
