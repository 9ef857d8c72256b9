"""A push as it is written down: before the first request that writes, and when it has ended."""

from __future__ import annotations

from datetime import datetime

import msgspec

from mfl_lint.core.digest import Digest


class PushRecord(msgspec.Struct, frozen=True):
    """What is about to be pushed, by whom. `registry` is its configured name; `at` aware UTC.

    `tag` is "" for a push by digest alone. `before` is None where the tag was not there. `plan`
    is JSON: what is pushed, the further tags, and the command that restores the old tag.
    """

    at: datetime
    who: str
    registry: str
    repository: str
    tag: str
    before: Digest | None
    plan: str


class KnownPush(msgspec.Struct, frozen=True):
    """A push that was written down. `state` is `begun` until its end is known.

    `after` is what the tag pointed at in the end, as far as that was seen.
    """

    id: int
    record: PushRecord
    state: str
    after: Digest | None = None
    problem: str = ""


BEGUN = "begun"
