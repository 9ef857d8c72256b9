"""What the store remembers, as values to decide from and to write. `views.py` has those to show.

All times are aware UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeVar

import msgspec

from mfl_lint.core.digest import Digest
from mfl_lint.core.manifest import Descriptor
from mfl_lint.core.observation import Kind, LookState
from mfl_lint.core.rule import TagSummary
from mfl_lint.core.truth import Settlement

T = TypeVar("T")

# Why looks are asked for: a person wants one; a registry told of something.
ASKED: Final = "asked"
WEBHOOK: Final = "webhook"
# At the end of why one is looked at again: as thoroughly as before.
THOROUGHLY: Final = " thoroughly"


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
    """One crawl of one registry. `problem` is "" or one line for people.

    `partial`: only some repositories were asked for, so that it is no round of the registry.
    """

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
    partial: bool = False


class LookRequest(msgspec.Struct, frozen=True):
    """Somebody asked for a look; `repository` and `tag` are "" for all of them."""

    id: int
    registry: str
    repository: str
    tag: str
    reason: str
    requested_at: datetime

    @property
    def rechecks(self) -> bool:
        """Say whether what lists name is to be looked at again, however lately it was.

        A person wants to know how it is now; an event that names no tag tells of a deletion.
        """
        if self.reason == WEBHOOK:
            return not self.tag
        return self.reason == ASKED or self.reason.endswith(THOROUGHLY)
