"""A push as it is written down: before the first request that writes, and when it has ended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from mfl_lint.core.digest import Digest, is_digest


class PushRecord(msgspec.Struct, frozen=True):
    """What is about to be pushed, by whom. `registry` is its configured name; `at` aware UTC.

    A push to several tags is several of these. `tag` is "" for a push by digest alone. `before`
    is None where the tag was not there. `plan` is JSON: what is pushed, all its tags, and the
    commands that restore the old ones.
    """

    at: datetime
    who: str
    registry: str
    repository: str
    tag: str
    before: Digest | None
    plan: str


class PushEnd(msgspec.Struct, frozen=True):
    """How the push of an id ended; `after` is what its tag points at then, as far as known."""

    id: int
    state: str
    after: Digest | None = None
    problem: str = ""


class KnownPush(msgspec.Struct, frozen=True):
    """A push that was written down. `state` is `begun` until its end is known.

    `after` is what the tag pointed at in the end, as far as that was seen. `overtaken`: a later
    push or look says that the tag is something else by now.
    """

    id: int
    record: PushRecord
    state: str
    after: Digest | None = None
    problem: str = ""
    overtaken: bool = False


BEGUN = "begun"
# Of several tags one that the push did not come to, since an earlier one failed.
LEFT_OUT = "left out"


def plan_of(one: KnownPush) -> Mapping[str, Any]:
    """Return what was written down of the plan; nothing where that cannot be read."""
    try:
        return msgspec.json.decode(one.record.plan, type=dict[str, Any])
    except msgspec.MsgspecError:
        return {}


def wanted_of(one: KnownPush) -> Digest | None:
    """Return the digest that a push was for, None where that is not written down."""
    found = plan_of(one).get("digest")
    return Digest(found) if isinstance(found, str) and is_digest(found) else None
