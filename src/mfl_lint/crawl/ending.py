"""How a repository's crawl ends. Pure: what was known and what was seen in, a record out."""

from __future__ import annotations

from datetime import datetime

import msgspec

from mfl_lint.core.observation import Look, LookState
from mfl_lint.core.records import Batch, RepositoryFinish, RepositoryState, TagState


def ending(
    before: RepositoryState,
    look: Look,
    siblings_hash: str,
    at: datetime,
    *,
    empty: bool,
    confirm_gone_s: float,
) -> RepositoryFinish:
    """Return what is kept of a crawl whose listing ended with `look` at `at`.

    `empty`: no tag of it stands. A repository is gone when it is, and its own 404 was confirmed.
    """
    missing = before.missing_since or at
    absent = look.state is LookState.ABSENT
    confirmed = (at - missing).total_seconds() >= confirm_gone_s
    return RepositoryFinish(
        look=look.state,
        detail=look.detail,
        siblings_hash=siblings_hash,
        missing_since=missing if absent else None,
        gone_at=at if absent and confirmed and empty else None,
    )


def states_after(batch: Batch, before: dict[str, TagState]) -> dict[str, TagState]:
    """Return the states of all tags when the batch is recorded."""
    after = dict(before)
    for name in batch.unchanged:
        after[name] = msgspec.structs.replace(
            after[name],
            look=LookState.VERIFIED,
            detail="",
            looked_at=batch.at,
            verified_at=batch.at,
            missing_since=None,
            gone_at=None,
            watched=True,
        )
    return after | {write.state.name: write.state for write in batch.tags}
