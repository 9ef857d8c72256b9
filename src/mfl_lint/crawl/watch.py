"""Which tags and repositories the configuration asks to watch. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from mfl_lint.config import RegistryConfig
from mfl_lint.core.policy import any_glob

_VERSION: Final = re.compile(r"[vV]?(\d{1,9}(?:\.\d{1,9}){0,5})(?![0-9])(.{0,128})", re.DOTALL)
_PRERELEASE: Final = re.compile(
    r"[-._]?(alpha|beta|rc|pre|preview|dev|nightly|snapshot|[ab])(?![a-z])[-._]?(\d{0,9})",
    re.IGNORECASE,
)

VersionKey = tuple[tuple[int, ...], int, str, int]


def version_key(tag: str) -> VersionKey | None:
    """Return what orders version tags (later is greater), None where the tag is no version.

    Suffixes like `-alpine` do not count; a pre-release stands before its release.
    """
    match = _VERSION.fullmatch(tag)
    if match is None or (
        match[2] and match[2][0] not in "-._+" and not _PRERELEASE.match(match[2])
    ):
        return None
    numbers = tuple(int(part) for part in match[1].split("."))
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers = numbers[:-1]
    early = _PRERELEASE.match(match[2])
    if early is None:
        return numbers, 1, "", 0
    return numbers, 0, early[1].lower(), int(early[2] or 0)


def newest(tags: Iterable[str], count: int) -> tuple[str, ...]:
    """Return the tags of the `count` newest versions with all their suffixes, and all others.

    Registries give no dates, so the order is that of the version numbers.
    """
    keyed = {tag: version_key(tag) for tag in tags}
    versions = sorted({key for key in keyed.values() if key is not None}, reverse=True)
    kept = set(versions[:count])
    return tuple(tag for tag, key in keyed.items() if key is None or key in kept)


def is_watched_tag(registry: RegistryConfig, tag: str) -> bool:
    """Say whether a tag's name is asked for, however new it is."""
    return any_glob(registry.tags, tag) and not any_glob(registry.exclude_tags, tag)


def watched_tags(registry: RegistryConfig, tags: Iterable[str]) -> tuple[str, ...]:
    """Return the tags that the configuration asks for, in the given order."""
    chosen = tuple(tag for tag in tags if is_watched_tag(registry, tag))
    return newest(chosen, registry.newest) if registry.newest else chosen


def exact_tags(registry: RegistryConfig) -> tuple[str, ...]:
    """Return the tags that are configured by name: they are looked at even if none is listed."""
    return tuple(tag for tag in registry.tags if "*" not in tag and "?" not in tag)


def exact_names(registry: RegistryConfig) -> tuple[str, ...] | None:
    """Return the configured names where none is a glob (no catalogue is needed), else None."""
    if any("*" in name or "?" in name for name in registry.repositories):
        return None
    return watched_repositories(registry, registry.repositories)


def watched_repositories(registry: RegistryConfig, names: Iterable[str]) -> tuple[str, ...]:
    """Return the repositories that the configuration asks for, in the given order."""
    return tuple(
        name
        for name in names
        if any_glob(registry.repositories, name)
        and not any_glob(registry.exclude_repositories, name)
    )


def chosen_tags(
    registry: RegistryConfig, listed: Iterable[str], known: Iterable[str], *, complete: bool
) -> set[str]:
    """Return the tags to look at: `listed` ones, and `known` ones that are not listed any more.

    Those that the configuration names are looked at too where the listing is not `complete`.
    """
    listed = tuple(listed)
    everything = frozenset(listed)
    unlisted = [name for name in known if name not in everything]
    if complete:
        return {*watched_tags(registry, listed), *watched_tags(registry, unlisted)}
    return {*watched_tags(registry, (*listed, *unlisted)), *exact_tags(registry)}


def wanted_tags(
    registry: RegistryConfig, known: Iterable[str], asked: Iterable[str]
) -> tuple[str, ...]:
    """Return those of the `asked` tags that would be looked at if all were listed, by name."""
    asked = frozenset(asked)
    return tuple(sorted(asked.intersection(watched_tags(registry, {*known, *asked}))))
