"""How a push ended: what each tag points at, and how to put back what was there."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import Final

import msgspec
from msgspec.structs import replace

from mfl_lint.core.digest import Digest
from mfl_lint.core.reference import Reference


class End(StrEnum):
    """How a push to one tag ended.

    PUSHED: a look afterwards saw it. UNCHANGED: it pointed there already. MOVED and REFUSED:
    the tag is not ours, and was not touched. OVERTAKEN: somebody else's push came after ours.
    REWRITTEN: the registry keeps what was pushed as something else, and says so. OVERWROTE: ours
    came after somebody else's, which was seen too late. FAILED: a look afterwards saw the tag as
    it was, and nothing more can come of it. UNKNOWN: nobody could look afterwards, or what was
    sent was not answered, and may be carried out later than anybody looked.
    """

    PUSHED = "pushed"
    UNCHANGED = "unchanged"
    MOVED = "moved"
    REFUSED = "refused"
    OVERTAKEN = "overtaken"
    REWRITTEN = "rewritten"
    OVERWROTE = "overwrote"
    FAILED = "failed"
    UNKNOWN = "unknown"


WRITTEN: Final = frozenset({End.PUSHED, End.OVERTAKEN, End.REWRITTEN, End.OVERWROTE, End.UNKNOWN})


class TagEnd(msgspec.Struct, frozen=True):
    """How it ended for one tag. `before` and `now` are None where it was not there.

    `between` is what somebody else pushed after the last look, and before us, as far as it was
    seen: the tag was looked at all the time that our own push took.

    `ours` is what the tag points at if it was our push that moved it, None if it was not: what is
    put back is put back over that only.

    `window_s` is the longest time in which another push could have been overwritten unseen, None
    where nothing was put. `guarded`: If-Match was sent (If-None-Match for a new tag), so that a
    registry which honours it (not all that offer ETags do) would have refused to.
    """

    reference: Reference
    end: End
    before: Digest | None = None
    now: Digest | None = None
    detail: str = ""
    window_s: float | None = None
    guarded: bool = False
    between: Digest | None = None
    ours: Digest | None = None

    @property
    def ok(self) -> bool:
        """Say whether the tag points at what was pushed."""
        return self.end in (End.PUSHED, End.UNCHANGED)

    @property
    def restore(self) -> str:
        """Return the command that puts back what was there, "" where there is nothing to undo."""
        old = self.between or self.before
        if self.ours is None or old is None or self.reference.tag is None:
            return ""
        back = replace(self.reference, digest=old)
        return f"mfl-lint manifest restore {back} --over {self.ours}"


class Outcome(msgspec.Struct, frozen=True):
    """How a push ended. `writes` counts the requests that could have changed something.

    `tags` are those that it came to, in their order; all after one that failed are `left_out`.
    `unrecorded` says why it could not be written down how it ended, "" where it was.
    """

    digest: Digest
    tags: tuple[TagEnd, ...]
    writes: int = 0
    unrecorded: str = ""
    left_out: tuple[Reference, ...] = ()

    @property
    def ok(self) -> bool:
        """Say whether all was done."""
        return all(tag.ok for tag in self.tags)

    @property
    def last(self) -> TagEnd:
        """Return how it ended for the last tag that it came to."""
        return self.tags[-1]


class Interrupted(asyncio.CancelledError):
    """A push that was broken off; `outcome` says how far it was, and is written down."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome
