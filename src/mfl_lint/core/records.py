"""What the store remembers, as values: states to decide from, and views to show.

All times are aware UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

import msgspec

from mfl_lint.core.digest import Digest
from mfl_lint.core.manifest import Descriptor
from mfl_lint.core.observation import Kind, LookState
from mfl_lint.core.rule import Finding, TagSummary
from mfl_lint.core.truth import FindingState, Settlement, Tracked, Transition

T = TypeVar("T")


class RepositoryState(msgspec.Struct, frozen=True):
    """A repository as the store knows it. `siblings_hash`: what its tags were judged beside."""

    id: int
    registry: str
    name: str
    watched: bool = True
    siblings_hash: str = ""
    look: LookState | None = None
    detail: str = ""
    last_crawled_at: datetime | None = None
    missing_since: datetime | None = None
    gone_at: datetime | None = None


class TagState(msgspec.Struct, frozen=True):
    """A tag as the store knows it.

    `look` and `detail` are the last look's; `digest` is what the last verified look saw.
    `walked_at`: the last look at index and children; `complete` whether all of it was seen.
    `missing_since`: the first 404 of an unbroken run; `gone_at`: confirmed gone.
    `judged_hash`: the rules and policy it was judged by. `unsettled`: it has unknown findings
    or missed rounds, so that a HEAD alone is not enough.
    """

    name: str
    digest: Digest | None = None
    look: LookState = LookState.UNREACHABLE
    detail: str = ""
    first_seen_at: datetime | None = None
    looked_at: datetime | None = None
    verified_at: datetime | None = None
    walked_at: datetime | None = None
    moved_at: datetime | None = None
    missing_since: datetime | None = None
    gone_at: datetime | None = None
    watched: bool = True
    complete: bool = False
    judged_hash: str = ""
    unsettled: bool = False
    summary: TagSummary | None = None


class Presence(msgspec.Struct, frozen=True):
    """What the last look at one digest in one repository said."""

    digest: Digest
    look: LookState
    detail: str
    looked_at: datetime


class Content(msgspec.Struct, frozen=True):
    """A verified document or config, to be kept for good."""

    digest: Digest
    raw: bytes
    media_type: str


class Entry(msgspec.Struct, frozen=True):
    """One entry of an index. A lone image has one entry: itself, with its config's platform."""

    position: int
    descriptor: Descriptor
    kind: Kind
    look: LookState | None = None


class TagWrite(msgspec.Struct, frozen=True):
    """All consequences of one look at one tag: they are committed together or not at all.

    `entries` are the root's, None where the root was not walked. `presences` are what was
    looked at in this walk. `moved`: the digest differs from the one before (history grows).
    `read_configs`: no failed look at these configs stands any more.
    """

    state: TagState
    settlement: Settlement = Settlement()
    entries: tuple[Entry, ...] | None = None
    presences: tuple[Presence, ...] = ()
    moved: bool = False
    read_configs: tuple[Digest, ...] = ()


class SliceProgress(msgspec.Struct, frozen=True):
    """How far one slice of a repository's crawl is: `done` of `total` tags, those before too."""

    slice_no: int
    done: int
    total: int


class RepositoryFinish(msgspec.Struct, frozen=True):
    """How a repository's crawl ended. `siblings_hash`: what its tags were judged beside."""

    look: LookState
    detail: str = ""
    siblings_hash: str = ""
    missing_since: datetime | None = None
    gone_at: datetime | None = None


class Batch(msgspec.Struct, frozen=True):
    """One transaction of a crawl. `unchanged` are tags whose HEAD showed the stored digest.

    `renew_until`: the lease's new end. `finish`: the repository's crawl ends with this batch, and
    the lease is given back.
    """

    crawl_id: int
    at: datetime
    tags: tuple[TagWrite, ...] = ()
    unchanged: tuple[str, ...] = ()
    contents: tuple[Content, ...] = ()
    repository_settlement: Settlement = Settlement()
    renew_until: datetime | None = None
    progress: SliceProgress | None = None
    finish: RepositoryFinish | None = None


class Lease(msgspec.Struct, frozen=True):
    """The right to write one repository's rows, until `expires_at`; `fence` grows each time."""

    repository_id: int
    registry: str
    repository: str
    holder: str
    fence: int
    expires_at: datetime


class Begun(msgspec.Struct, frozen=True):
    """What a repository's crawl begins with, as it was when the lease was taken."""

    lease: Lease
    state: RepositoryState
    tags: Mapping[str, TagState]


class CrawlStatus(StrEnum):
    """How a crawl of one registry stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class CrawlRecord(msgspec.Struct, frozen=True):
    """One crawl of one registry. `problem` is "" or one line for people."""

    id: int
    registry: str
    status: CrawlStatus
    started_at: datetime
    finished_at: datetime | None = None
    repositories: int = 0
    repositories_done: int = 0
    tags: int = 0
    requests: int = 0
    opened: int = 0
    resolved: int = 0
    problem: str = ""


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


class FindingView(msgspec.Struct, frozen=True):
    """A finding with its life, as pages and the API show it."""

    finding: Finding
    state: FindingState
    first_seen_at: datetime
    last_confirmed_at: datetime
    resolved_at: datetime | None = None
    watched: bool = True


class TransitionView(msgspec.Struct, frozen=True):
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


class DayCounts(msgspec.Struct, frozen=True):
    """Findings that stood at the end of one UTC day (`YYYY-MM-DD`), and what changed in it."""

    day: str
    counts: Counts
    opened: int = 0
    resolved: int = 0


class FindingFilter(msgspec.Struct, frozen=True):
    """What a list of findings is narrowed to; "" and empty = no demand. Globs for names.

    `watched`: only what is watched now; False = the unwatched too.
    """

    registry: str = ""
    repository: str = ""
    tag: str = ""
    rule: str = ""
    platform: str = ""
    severities: tuple[str, ...] = ()
    states: tuple[str, ...] = ("open", "unknown")
    watched: bool = True


class BrokenTag(msgspec.Struct, frozen=True):
    """A tag with findings that stand; `since` is when the oldest open one was first seen."""

    registry: str
    repository: str
    tag: str
    counts: Counts
    since: datetime | None = None


class LookRequest(msgspec.Struct, frozen=True):
    """Somebody asked for a look; `repository` and `tag` are "" for all of them."""

    id: int
    registry: str
    repository: str
    tag: str
    reason: str
    requested_at: datetime


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Part of a list; `next_cursor` is None on the last page."""

    items: tuple[T, ...]
    next_cursor: str | None = None


class StoreFigures(msgspec.Struct, frozen=True):
    """Sizes of the store, for `doctor` and `db check`."""

    revision: str
    rows: Mapping[str, int] = {}
