"""Judge tags by the rules that read siblings, from what is stored; no request is made."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from mfl_lint.core.observation import LookState
from mfl_lint.core.records import Batch, Lease, TagState, TagWrite
from mfl_lint.core.reference import Reference
from mfl_lint.core.rule import Siblings
from mfl_lint.core.truth import Tracked
from mfl_lint.crawl import facts
from mfl_lint.crawl.consequences import Bench
from mfl_lint.crawl.job import Job
from mfl_lint.crawl.known import StoreKnown
from mfl_lint.crawl.stored import remembered
from mfl_lint.store import findings, observations

SLICE: Final = 100
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


async def judge_beside(
    job: Job,
    crawl_id: int,
    lease: Lease,
    siblings: Siblings,
    *,
    everything: bool,
    judged: Collection[str] = (),
) -> list[TagWrite]:
    """Judge the tags that wait for it, or all of them where siblings changed (`everything`).

    `judged` are tags that were judged beside these siblings already. Returns what was written.
    """
    stored = await observations.known_tags(job.store, lease.repository_id)
    names = due(stored, everything=everything, judged=judged)
    known = StoreKnown(job.store, lease.repository_id, _LONG_AGO)
    bench = Bench(job, facts.beside(job.rules), siblings)
    written: list[TagWrite] = []
    for start in range(0, len(names), SLICE):
        part = names[start : start + SLICE]
        tracked = await findings.tracked(job.store, lease.repository_id, part)
        writes = [await _judged(job, lease, bench, known, stored[name], tracked) for name in part]
        made = tuple(write for write in writes if write is not None)
        batch = Batch(crawl_id=crawl_id, at=job.now(), tags=made)
        await observations.record(job.store, lease, batch)
        written.extend(made)
    return written


def due(
    stored: Mapping[str, TagState], *, everything: bool, judged: Collection[str] = ()
) -> list[str]:
    """Return the tags, in order, that `judge_beside` would judge."""
    return [
        name
        for name, state in sorted(stored.items())
        if name not in judged
        and state.watched
        and state.gone_at is None
        and state.look is LookState.VERIFIED
        and (everything or state.judged_hash.endswith(facts.PENDING))
    ]


async def _judged(
    job: Job,
    lease: Lease,
    bench: Bench,
    known: StoreKnown,
    state: TagState,
    tracked: Mapping[str, tuple[Tracked, ...]],
) -> TagWrite | None:
    """Return what the siblings change for one tag, None where nothing of it is stored."""
    reference = Reference(job.registry.host, lease.repository, state.name)
    seen = await remembered(known, job.registry.name, reference, state)
    if seen is None:
        return None
    settlement, waits = bench.judge(
        # How a child's look ended is remembered in less detail than the tag's completeness.
        seen,
        state.moved_at,
        tracked.get(state.name, ()),
        complete=state.complete,
    )
    after = msgspec.structs.replace(
        state,
        judged_hash=state.judged_hash.removesuffix(facts.PENDING),
        unsettled=state.unsettled or waits,
    )
    return TagWrite(after, settlement)
