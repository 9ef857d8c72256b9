"""What an organisation demands: required platforms, severities, disabled rules, ignores."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final

import msgspec

from mfl_lint.core.platform import Platform
from mfl_lint.core.reference import Reference

# How long it takes until what belongs together has been pushed, where that is not one push.
PUBLISHING_S: Final = 6 * 3600.0


class Severity(StrEnum):
    """How bad a finding is: E = somebody's run fails, W = fragile, I = worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """Return 0 for the worst."""
        return ("error", "warning", "info").index(self.value)


@lru_cache(maxsize=1024)
def _pieces(pattern: str) -> tuple[re.Pattern[str], ...]:
    """Return what stands between the stars, `?` as any one character."""
    quoted = (re.escape(piece).replace(r"\?", ".") for piece in re.split(r"\*+", pattern))
    return tuple(re.compile(piece, re.DOTALL) for piece in quoted)


def glob_matches(pattern: str, text: str) -> bool:
    """Say whether the whole text matches; `*` crosses slashes, `?` is one character.

    Each piece between stars is taken at its first place, so no pattern can backtrack.
    """
    if pattern == "*":
        return True
    first, *rest = _pieces(pattern)
    if not rest:
        return first.fullmatch(text) is not None
    start = first.match(text)
    if start is None:
        return False
    at, last = start.end(), rest[-1]
    for piece in rest[:-1]:
        found = piece.search(text, at)
        if found is None:
            return False
        at = found.end()
    width = len(pattern) - pattern.rindex("*") - 1
    return len(text) - width >= at and last.fullmatch(text, len(text) - width) is not None


def any_glob(patterns: Iterable[str], text: str) -> bool:
    """Say whether one of the globs matches."""
    return any(glob_matches(pattern, text) for pattern in patterns)


class Requirement(msgspec.Struct, frozen=True):
    """These platforms must be there for every repository and tag that both globs match."""

    platforms: tuple[Platform, ...]
    repositories: tuple[str, ...] = ("*",)
    tags: tuple[str, ...] = ("*",)


class AnnotationDemand(msgspec.Struct, frozen=True):
    """These annotations (or labels) must be there wherever both globs match."""

    keys: tuple[str, ...]
    repositories: tuple[str, ...] = ("*",)
    tags: tuple[str, ...] = ("*",)


class Ignore(msgspec.Struct, frozen=True):
    """Findings that somebody decided to live with, why, and until when (aware UTC)."""

    rule: str
    reason: str
    registry: str = "*"
    repository: str = "*"
    tag: str = "*"
    expires: datetime | None = None

    def covers(self, rule: str, registry: str, repository: str, tag: str, now: datetime) -> bool:
        """Say whether the ignore applies to such a finding at `now`."""
        holds = self.expires is None or now < self.expires
        return holds and self.names(rule, registry, repository, tag)

    def names(self, rule: str, registry: str, repository: str, tag: str) -> bool:
        """Say whether the ignore is for such a finding, whenever it holds."""
        return (
            glob_matches(self.rule, rule)
            and glob_matches(self.registry, registry)
            and glob_matches(self.repository, repository)
            and glob_matches(self.tag, tag)
        )


class Policy(msgspec.Struct, frozen=True):
    """All demands.

    `settle_s` is how long, in a crawl, a tag that moved waits for what may be pushed still; None
    for what is usual there (`settling_s`).
    `known_platforms` are spellings that are canonical here. `windows_builds` are the host
    builds that must find an entry (`10.0.20348`). `hosts` are those that a wrong or missing
    child would hurt. `immutable_tags` are globs of tags that never move. `stale_days`: how much
    older than its siblings an image may be.
    """

    requirements: tuple[Requirement, ...] = ()
    severities: Mapping[str, Severity] = {}
    disabled: frozenset[str] = frozenset()
    ignores: tuple[Ignore, ...] = ()
    known_platforms: tuple[Platform, ...] = ()
    windows_builds: tuple[str, ...] = ()
    hosts: tuple[Platform, ...] = (Platform("linux", "amd64"), Platform("linux", "arm64"))
    settle_s: float | None = None
    annotations: tuple[AnnotationDemand, ...] = ()
    immutable_tags: tuple[str, ...] = ()
    stale_days: int = 14

    def settling_s(self, reference: Reference, *, proxy: bool) -> float:
        """Return how long a tag that moved may still gain platforms; 0 where it is pushed whole.

        Docker Hub's official images are published one architecture after the other, and what a
        `proxy` passes on may be theirs.
        """
        if self.settle_s is not None:
            return self.settle_s
        return PUBLISHING_S if proxy or reference.is_official else 0.0

    @property
    def siblings_settle_s(self) -> float:
        """Return how long a tag that moved waits for its siblings: each is pushed by itself."""
        return PUBLISHING_S if self.settle_s is None else self.settle_s

    def settled_at(self, moved_at: datetime | None) -> datetime | None:
        """Return until when rules may wait for a tag that moved then, None where none does."""
        wait_s = self.siblings_settle_s
        return moved_at + timedelta(seconds=wait_s) if moved_at and wait_s else None

    def required(self, repository: str, tag: str) -> Iterator[Platform]:
        """Yield each platform that the tag must offer, once."""
        given: set[Platform] = set()
        for demand in self.requirements:
            if any_glob(demand.repositories, repository) and any_glob(demand.tags, tag):
                for platform in demand.platforms:
                    if platform not in given:
                        given.add(platform)
                        yield platform

    def required_annotations(self, repository: str, tag: str) -> tuple[str, ...]:
        """Return the key of each annotation that the tag must have, once."""
        keys = (
            key
            for demand in self.annotations
            if any_glob(demand.repositories, repository) and any_glob(demand.tags, tag)
            for key in demand.keys
        )
        return tuple(dict.fromkeys(keys))
