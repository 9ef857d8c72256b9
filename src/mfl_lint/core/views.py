"""What the store remembers, as values to show: on pages, in the API, in reports.

All times are aware UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from mfl_lint.core.digest import Digest
from mfl_lint.core.observation import LookState
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Ignore
from mfl_lint.core.records import CrawlRecord, Entry, TagState
from mfl_lint.core.rule import Finding
from mfl_lint.core.truth import FindingState, Tracked, Transition

T = TypeVar("T")


class Counts(msgspec.Struct, frozen=True):
    """How many findings are open, by severity, and how many of any severity are unknown."""

    error: int = 0
    warning: int = 0
    info: int = 0
    unknown: int = 0


class RegistryView(msgspec.Struct, frozen=True):
    """One registry at a glance. `notice` stands for all below it (unreachable, vanished tags)."""

    name: str
    host: str
    watched: bool
    repositories: int
    tags: int
    counts: Counts
    notice: str = ""
    last_crawl: CrawlRecord | None = None


class RepositoryView(msgspec.Struct, frozen=True):
    """One repository at a glance."""

    registry: str
    name: str
    tags: int
    counts: Counts
    watched: bool = True
    look: LookState | None = None
    detail: str = ""
    last_crawled_at: datetime | None = None


class FindingView(msgspec.Struct, frozen=True, cache_hash=True):
    """A finding with its life, as pages and the API show it."""

    finding: Finding
    state: FindingState
    first_seen_at: datetime
    last_confirmed_at: datetime
    resolved_at: datetime | None = None
    watched: bool = True


class TransitionView(msgspec.Struct, frozen=True, cache_hash=True):
    """A change with the finding that changed."""

    transition: Transition
    finding: Finding


class HistoryItem(msgspec.Struct, frozen=True):
    """What a tag pointed at, from when until when (None = still)."""

    digest: Digest
    seen_at: datetime
    until: datetime | None = None


class TagRow(msgspec.Struct, frozen=True):
    """A row of a repository's matrix: the tag, its entries, its findings that are not resolved."""

    state: TagState
    entries: tuple[Entry, ...]
    findings: tuple[Tracked, ...]


class TagFilter(msgspec.Struct, frozen=True):
    """What a repository's tags are narrowed to; "", empty and None = no demand.

    `states`: how the tag is: error, warning, unknown (nothing worse, but not certain) or ok.
    `offers` and `lacks`: a platform that it has to offer, or must not; without a variant any is.
    """

    glob: str = ""
    states: tuple[str, ...] = ()
    offers: Platform | None = None
    lacks: Platform | None = None


class DayCounts(msgspec.Struct, frozen=True):
    """Findings that stood at the end of one UTC day (`YYYY-MM-DD`), and what changed in it."""

    day: str
    counts: Counts
    opened: int = 0
    resolved: int = 0


class FindingFilter(msgspec.Struct, frozen=True):
    """What a list of findings is narrowed to; "" and empty = no demand. Globs for names.

    `watched`: only what is watched now; False = the unwatched too. First seen not before
    `seen_after` and not after `seen_before`, each None for any time.
    """

    registry: str = ""
    repository: str = ""
    tag: str = ""
    rule: str = ""
    platform: str = ""
    severities: tuple[str, ...] = ()
    states: tuple[str, ...] = ("open", "unknown")
    watched: bool = True
    seen_after: datetime | None = None
    seen_before: datetime | None = None


class Told(msgspec.Struct, frozen=True):
    """A finding in a few words; `platform` is "" where it is the whole tag's."""

    rule: str
    slug: str
    platform: str


class BrokenTag(msgspec.Struct, frozen=True):
    """A tag with findings that stand; `since` is when the oldest open one was first seen.

    `faults` are the rules and platforms of the worst of them.
    """

    registry: str
    repository: str
    tag: str
    counts: Counts
    since: datetime | None = None
    faults: tuple[Told, ...] = ()


class SetIgnore(msgspec.Struct, frozen=True):
    """An ignore that somebody set here, and when; in one registry, that it names exactly."""

    id: int
    ignore: Ignore
    who: str
    created_at: datetime


class Referenced(msgspec.Struct, frozen=True):
    """A tag with all digests that it and its lists point at, its own first.

    `complete`: the last look, at `verified_at`, saw all of it; else there may be more.
    `listed_at`: when the repository's tags were listed, None where the last time failed.
    """

    registry: str
    repository: str
    tag: str
    digest: Digest
    digests: tuple[Digest, ...]
    complete: bool
    listed_at: datetime | None = None
    verified_at: datetime | None = None


class PlacedTag(msgspec.Struct, frozen=True):
    """A repository with its tag of a name, None where it has none."""

    registry: str
    repository: str
    row: TagRow | None


class Hit(msgspec.Struct, frozen=True):
    """What a search found: a repository, a tag or a digest, as `kind` says."""

    kind: str
    registry: str
    repository: str
    tag: str = ""
    digest: str = ""


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Part of a list; `next_cursor` is None on the last page."""

    items: tuple[T, ...]
    next_cursor: str | None = None


class TableSize(msgspec.Struct, frozen=True):
    """What one table holds, its indexes among the bytes; when its rows came, where it says so."""

    rows: int
    bytes: int
    oldest: datetime | None = None
    newest: datetime | None = None


class StoreSizes(msgspec.Struct, frozen=True):
    """What the database holds; `free_bytes` of them hold nothing and are used again."""

    bytes: int
    free_bytes: int
    tables: Mapping[str, TableSize] = {}


class StoreFigures(msgspec.Struct, frozen=True):
    """Sizes of the store, for `doctor` and `db check`."""

    revision: str
    rows: Mapping[str, int] = {}
