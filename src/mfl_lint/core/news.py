"""News of findings and registries, and how they wait to be told. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Finding


class Kind(StrEnum):
    """What a piece of news is about.

    The first six are routed. `standing` says again what was said before, `introduced` sums a
    registry's first crawl up, `test` is nothing but a test, and `eased` (it is less severe than it
    was) is for Alertmanagers only, where the severity is part of what an alert is known by.
    """

    OPENED = "opened"
    WORSENED = "worsened"
    RESOLVED = "resolved"
    UNKNOWN = "unknown"
    FLAPPING = "flapping"
    RECOVERED = "recovered"
    EASED = "eased"
    STANDING = "standing"
    INTRODUCED = "introduced"
    TEST = "test"


# So long is kept what is for a route or a channel that the settings at hand do not know.
GRACE: Final = timedelta(days=1)
ROUTED: Final = tuple(str(kind) for kind in Kind)[:6]


class News(msgspec.Struct, frozen=True):
    """One thing that happened. Times are aware UTC.

    What is about a whole registry or tag has no fingerprint. `count`: for how many findings it
    stands.
    """

    id: str
    kind: Kind
    at: datetime
    registry: str
    repository: str = ""
    tag: str = ""
    rule: str = ""
    slug: str = ""
    severity: Severity = Severity.WARNING
    reference: str = ""
    platform: str = ""
    digest: str = ""
    message: str = ""
    fix: str = ""
    fingerprint: str = ""
    since: datetime | None = None
    count: int = 1

    @property
    def place(self) -> str:
        """Return registry, repository and tag in one."""
        return "/".join(filter(None, (self.registry, self.repository))) + (
            f":{self.tag}" if self.tag else ""
        )


class Stream:
    """News that are made anew whenever they are asked for, one after the other, and never held."""

    def __init__(self, make: Callable[[], Iterator[News]]) -> None:
        self._make = make

    def __iter__(self) -> Iterator[News]:
        return self._make()

    def __bool__(self) -> bool:
        return next(self._make(), None) is not None


def news_of(finding: Finding, kind: Kind, at: datetime, since: datetime, mark: str) -> News:
    """Return the news of a finding; `mark` is its id."""
    return News(
        id=mark,
        kind=kind,
        at=at,
        registry=finding.registry,
        repository=finding.repository,
        tag=finding.tag,
        rule=finding.rule,
        slug=finding.slug,
        severity=finding.severity,
        reference=finding.reference,
        platform=finding.platform,
        digest=finding.digest or "",
        message=finding.message,
        fix=finding.fix,
        fingerprint=finding.fingerprint,
        since=since,
    )


class Group(msgspec.Struct, frozen=True):
    """What is told together: the news of a route in one registry, repository, or of one rule."""

    route: str
    registry: str = ""
    repository: str = ""
    rule: str = ""


class Waiting(msgspec.Struct, frozen=True):
    """A piece of news in its group, which is told at `due` or before."""

    group: Group
    news: News
    due: datetime


class Mark(msgspec.Struct, frozen=True):
    """What is remembered between messages, by `kind`, `route` and place.

    dark: the route was told that the registry cannot be seen; `number` findings were unknown at
    most. flapping: the tag flaps, and of each of its findings `last` has the first news that
    nobody was told and the last. new: the registry's first crawl still has to be summed up for
    the route. digest: `at` the last report was due. held: of the group (its rule is the mark's
    `tag`) what waits up to the row `number` is held back until `at`. `at` of dark and new: since
    when the settings at hand know no such route, None where they do.
    """

    kind: str
    route: str
    registry: str
    repository: str = ""
    tag: str = ""
    since: datetime | None = None
    at: datetime | None = None
    number: int = 0
    last: tuple[News, ...] = ()

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """Return what there is one mark of."""
        return (self.kind, self.route, self.registry, self.repository, self.tag)


class Situation(msgspec.Struct, frozen=True):
    """What is known when news are routed.

    `changes`: when each of their findings opened and resolved before, oldest first. `introduced`:
    until when what is found in each registry is its introduction, None while it is.
    """

    news: tuple[News, ...]
    changes: Mapping[str, tuple[datetime, ...]] = {}
    marks: Mapping[tuple[str, str, str, str, str], Mark] = {}
    introduced: Mapping[str, datetime | None] = {}


class Routed(msgspec.Struct, frozen=True):
    """What becomes of news: what waits, the marks to write, and those to take away."""

    waiting: tuple[Waiting, ...] = ()
    marks: tuple[Mark, ...] = ()
    gone: tuple[Mark, ...] = ()
