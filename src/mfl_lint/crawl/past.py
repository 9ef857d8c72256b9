"""What rules are told of a tag's past. Only tags that ever moved cost a question."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from mfl_lint.core.digest import Digest
from mfl_lint.core.errors import PlatformInvalid
from mfl_lint.core.history import Earlier, History
from mfl_lint.core.observation import Node, Observation
from mfl_lint.core.platform import Platform
from mfl_lint.core.records import TagState
from mfl_lint.core.truth import FindingState, Tracked
from mfl_lint.crawl.job import Job
from mfl_lint.crawl.known import StoreKnown
from mfl_lint.crawl.stored import remembered
from mfl_lint.rules._contradiction import never_offered
from mfl_lint.rules.platform_lost import platform_lost
from mfl_lint.store import history

_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


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
    known = StoreKnown(job.store, repository_id, _LONG_AGO)
    told: dict[str, History] = {}
    for name, look in named.items():
        before, previous = stored.get(name), tracked.get(name, ())
        since = job.round_since
        held = past(look, before, pointed.get(name, ()), previous, round_since=since)
        false = {
            one.digest: await _never_offered(known, job, look, one.digest)
            for one in held.earlier
            if look.root is not None and not offers_all(look.root, one.platforms or ())
        }
        told[name] = without_false(held, false)
    return told


async def _never_offered(
    known: StoreKnown, job: Job, look: Observation, digest: Digest
) -> Collection[Platform]:
    """Return the platforms that a digest promised without having them, as far as it is stored."""
    state = TagState(look.reference.target, digest=digest)
    seen = await remembered(known, job.registry.name, look.reference, state)
    return never_offered(seen.root) if seen is not None and seen.root is not None else ()


def offers_all(root: Node, platforms: Iterable[Platform]) -> bool:
    """Say whether a tree's entries promise all of the platforms still: then nothing is lost."""
    promised = {node.entry.platform.normalized() for node in root.walk() if node.entry.platform}
    return all(platform.normalized() in promised for platform in platforms)


def without_false(held: History, false: Mapping[Digest, Collection[Platform]]) -> History:
    """Return the history without what was promised only, and never there.

    A loss that is held to be true is let go where all that is remembered says the same of it.
    """
    earlier = tuple(
        msgspec.structs.replace(
            one,
            platforms=one.platforms
            and tuple(x for x in one.platforms if x.normalized() not in false.get(one.digest, ())),
        )
        for one in held.earlier
    )
    had = {x.normalized() for one in earlier for x in one.platforms or ()}
    untrue = {x for some in false.values() for x in some} - had
    lost = tuple(one for one in held.lost if one.normalized() not in untrue)
    return msgspec.structs.replace(held, earlier=earlier, lost=lost)


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
