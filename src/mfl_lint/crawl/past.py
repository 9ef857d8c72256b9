"""What rules are told of a tag's past. Only tags that ever moved cost a question."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from mfl_lint.core.errors import PlatformInvalid
from mfl_lint.core.history import Earlier, History
from mfl_lint.core.observation import Observation
from mfl_lint.core.platform import Platform
from mfl_lint.core.records import TagState
from mfl_lint.core.truth import FindingState, Tracked
from mfl_lint.crawl.job import Job
from mfl_lint.rules.platform_lost import platform_lost
from mfl_lint.store import history


async def pasts(
    job: Job,
    repository_id: int,
    stored: Mapping[str, TagState],
    seen: Sequence[Observation],
    tracked: Mapping[str, tuple[Tracked, ...]],
) -> dict[str, History]:
    """Return the history of each tag that was seen just now, before that is recorded."""
    named = {look.reference.target: look for look in seen}
    moving = [name for name, look in named.items() if _moves(stored.get(name), look)]
    pointed = await history.pointed_at(job.store, repository_id, moving)
    return {
        name: past(
            look,
            stored.get(name),
            pointed.get(name, ()),
            tracked.get(name, ()),
            round_since=job.round_since,
        )
        for name, look in named.items()
    }


def _moves(before: TagState | None, look: Observation) -> bool:
    """Say whether the tag ever pointed at two things, the one that was seen just now included."""
    if before is None or before.digest is None or look.root is None:
        return False
    return before.moved_at is not None or before.digest != look.digest


def past(
    look: Observation,
    before: TagState | None,
    pointed: Sequence[Earlier],
    previous: Iterable[Tracked],
    *,
    round_since: datetime | None = None,
) -> History:
    """Return a tag's history; `pointed` is what it pointed at before this look, newest first.

    `round_since` is when this round began: an earlier look in it is no other round's.
    """
    lost = tuple(_lost(previous))
    if before is None or before.digest is None:
        return History(lost=lost)
    if before.digest != look.digest:
        return History(tuple(pointed), look.looked_at, lost=lost)
    if not pointed:
        return History(repeated=True, lost=lost)
    current, *earlier = pointed
    repeated = round_since is None or current.seen_at < round_since
    return History(tuple(earlier), current.seen_at, repeated, lost)


def _lost(previous: Iterable[Tracked]) -> Iterator[Platform]:
    """Yield the platforms whose loss is held to be true: each finding's subject is one."""
    for item in previous:
        if item.finding.rule == platform_lost.id and item.state is not FindingState.RESOLVED:
            try:
                yield Platform.parse(item.finding.subject)
            except PlatformInvalid:
                continue
