"""What is remembered of a tag: what it pointed at before, and what it offered then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from mfl_lint.core.digest import Digest
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Policy
from mfl_lint.core.reference import Reference


class Earlier(msgspec.Struct, frozen=True):
    """What a tag pointed at, from when it was first seen so. Times are aware UTC.

    `platforms` are those of its images, None where that is not known.
    """

    digest: Digest
    seen_at: datetime
    platforms: tuple[Platform, ...] | None = None


class History(msgspec.Struct, frozen=True):
    """A tag's past, as far as it was crawled.

    `earlier`: what it pointed at before, the newest first (a bounded number). `since`: when it
    was first seen to point at what it does, None where that is no news. `repeated`: it was seen
    so in an earlier round too. `lost`: platforms that are held to be lost already.
    """

    earlier: tuple[Earlier, ...] = ()
    since: datetime | None = None
    repeated: bool = False
    lost: tuple[Platform, ...] = ()

    def stays(self) -> Iterator[tuple[Earlier, datetime]]:
        """Yield what it pointed at before, the newest first, with the time at which that ended."""
        end = self.since
        for one in self.earlier:
            if end is not None:
                yield one, end
            end = one.seen_at


class GoneCase(msgspec.Struct, frozen=True):
    """A tag that is confirmed to be gone since `gone_at`, for scope GONE. Times are aware UTC.

    `digest` is the last that was seen of it; `is_image` whether it held images then.
    """

    reference: Reference
    policy: Policy
    digest: Digest | None
    is_image: bool
    gone_at: datetime
    judged_at: datetime
