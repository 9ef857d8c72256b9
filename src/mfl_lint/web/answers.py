"""What pages show and the API sends: one value for both, so that they cannot differ.

Keys may be added, never changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from mfl_lint.core.difference import Change, PlatformDifference
from mfl_lint.core.views import Counts, DayCounts
from mfl_lint.web.items import (
    BrokenItem,
    ChangeItem,
    CrawlItem,
    Doubt,
    EntryItem,
    FindingItem,
    HitItem,
    PlacedItem,
    ReadyCheck,
    ReferencedItem,
    RegistryItem,
    RepositoryItem,
    RuleItem,
    TagItem,
)
from mfl_lint.web.tag_items import HostItem, InsideItem, PastItem


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The root of every object that the API sends."""

    version: int = 1


class OverviewAnswer(Answer, frozen=True, kw_only=True):
    """All that is watched, at a glance.

    `counts` leaves out the findings in `ignored`, and so does the last of `days`; those before
    know of no ignores. `more_broken` tags are broken beside those in `broken`, counted up to 100.
    `dead_letters` are messages that nobody took, and that are tried no more.
    """

    counts: Counts
    ignored: Counts
    doubts: tuple[Doubt, ...]
    registries: tuple[RegistryItem, ...]
    broken: tuple[BrokenItem, ...]
    more_broken: int
    changes: tuple[ChangeItem, ...]
    days: tuple[DayCounts, ...]
    crawls: tuple[CrawlItem, ...]
    dead_letters: int


class RegistriesAnswer(Answer, frozen=True, kw_only=True):
    """All registries."""

    items: tuple[RegistryItem, ...]
    next_cursor: str | None = None


class RegistryAnswer(Answer, frozen=True, kw_only=True):
    """One registry."""

    registry: RegistryItem


class RepositoriesAnswer(Answer, frozen=True, kw_only=True):
    """A registry's repositories."""

    registry: RegistryItem
    items: tuple[RepositoryItem, ...]
    next_cursor: str | None


class RepositoryAnswer(Answer, frozen=True, kw_only=True):
    """A repository's matrix. `more_platforms` counts those that have no column."""

    host: str
    repository: RepositoryItem
    findings: tuple[FindingItem, ...]
    platforms: tuple[str, ...]
    more_platforms: int
    items: tuple[TagItem, ...]
    next_cursor: str | None


class TagAnswer(Answer, frozen=True, kw_only=True):
    """One tag. `ignored` are the findings that do not count, `resolved` those of before."""

    host: str
    reference: str
    tag: TagItem
    registry: str
    repository: str
    media_type: str
    kind: str
    entries: tuple[EntryItem, ...]
    attachments: tuple[EntryItem, ...]
    annotations: Mapping[str, str]
    findings: tuple[FindingItem, ...]
    ignored: tuple[FindingItem, ...]
    resolved: tuple[FindingItem, ...] = ()
    history: tuple[PastItem, ...] = ()
    hosts: tuple[HostItem, ...] = ()
    insides: tuple[InsideItem, ...] = ()


class DifferenceAnswer(Answer, frozen=True, kw_only=True):
    """Two digests that a tag pointed at, compared platform by platform.

    `same` says that nothing differs in what was seen; `unseen` what was not, a line each.
    """

    host: str
    registry: str
    repository: str
    tag: str
    before: str
    after: str
    same: bool
    platforms: tuple[PlatformDifference, ...]
    changes: tuple[Change, ...]
    unseen: tuple[str, ...]


class FindingsAnswer(Answer, frozen=True, kw_only=True):
    """A list of findings; those with `ignored` do not count."""

    items: tuple[FindingItem, ...]
    next_cursor: str | None


class TransitionsAnswer(Answer, frozen=True, kw_only=True):
    """What became of findings, newest first."""

    items: tuple[ChangeItem, ...]
    next_cursor: str | None


class DigestsAnswer(Answer, frozen=True, kw_only=True):
    """What watched tags point at. `doubts` say why there may be more in a registry."""

    doubts: tuple[Doubt, ...]
    items: tuple[ReferencedItem, ...]
    next_cursor: str | None


class MatrixAnswer(Answer, frozen=True, kw_only=True):
    """One tag of many repositories. `more_platforms` counts those that have no column.

    `wanted` is the column that is asked about, "" for none; `ready` how many of the items
    were seen at the last look and have an image there with nothing worse than information.
    """

    tag: str
    platforms: tuple[str, ...]
    more_platforms: int
    items: tuple[PlacedItem, ...]
    next_cursor: str | None
    wanted: str = ""
    ready: int = 0


class SearchAnswer(Answer, frozen=True, kw_only=True):
    """What a search found: repositories, then tags, then digests."""

    items: tuple[HitItem, ...]
    next_cursor: str | None


class ReadyAnswer(Answer, frozen=True, kw_only=True):
    """Whether platforms of a tag can be pulled; `verified_at` is when it was last seen whole."""

    reference: str
    ready: bool | None
    verified_at: datetime | None
    checks: tuple[ReadyCheck, ...]


class RulesAnswer(Answer, frozen=True, kw_only=True):
    """All rules."""

    items: tuple[RuleItem, ...]
    next_cursor: str | None = None


class RuleAnswer(Answer, frozen=True, kw_only=True):
    """One rule, its documentation and what it found."""

    rule: RuleItem
    sections: Mapping[str, str]
    items: tuple[FindingItem, ...]
    next_cursor: str | None


class CrawlsAnswer(Answer, frozen=True, kw_only=True):
    """Crawls, newest first."""

    items: tuple[CrawlItem, ...]
    next_cursor: str | None


class CrawlAnswer(Answer, frozen=True, kw_only=True):
    """One crawl."""

    crawl: CrawlItem
