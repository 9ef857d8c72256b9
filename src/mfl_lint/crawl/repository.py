"""Crawl one repository: look at its tags, judge them, remember it. The unit of work.

Idempotent, and safe to kill anywhere: what one look at a tag leads to is written in one
transaction, and what was not written is looked at again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import msgspec

from mfl_lint.core.digest import Digest
from mfl_lint.core.errors import LeaseLost
from mfl_lint.core.observation import Look, LookState, Observation
from mfl_lint.core.records import Batch, Begun, Content, RepositoryFinish, SliceProgress, TagWrite
from mfl_lint.core.reference import Reference
from mfl_lint.core.rule import Siblings, TagSummary
from mfl_lint.core.truth import Tracked
from mfl_lint.crawl import facts
from mfl_lint.crawl.beside import due, judge_beside
from mfl_lint.crawl.consequences import Bench, failed_write, seen_write
from mfl_lint.crawl.ending import ending, states_after
from mfl_lint.crawl.inside import look_inside
from mfl_lint.crawl.job import Job, RepositoryResult
from mfl_lint.crawl.known import StoreKnown
from mfl_lint.crawl.listing import listed
from mfl_lint.crawl.once import OnceSource
from mfl_lint.crawl.outcome import Outcome
from mfl_lint.crawl.past import pasts
from mfl_lint.crawl.watch import chosen_tags, exact_tags, unseen_since, wanted_tags
from mfl_lint.registry.observe import Unchanged, observe
from mfl_lint.registry.source import Listing
from mfl_lint.store import findings, leases, looks, observations

SLICE: Final = 100
TAGS_AT_ONCE: Final = 8
_READ: Final = (LookState.VERIFIED, LookState.INVALID)


async def crawl_repository(job: Job, crawl_id: int, repository: str) -> RepositoryResult | None:
    """Look at all watched tags of a repository; None where another worker holds it.

    Raises LeaseLost where the repository was taken over meanwhile: nothing was written since.
    """
    name, lease_s = job.registry.name, job.settings.lease_s
    begun = await leases.begin(job.store, name, repository, job.holder, lease_s, job.now())
    if begun is None:
        return None
    walk = RepositoryWalk(job, crawl_id, begun)
    try:
        return await walk.run()
    finally:
        if not walk.finished:
            await leases.release(job.store, begun.lease)


class RepositoryWalk:
    """One crawl of one repository."""

    def __init__(self, job: Job, crawl_id: int, begun: Begun) -> None:
        self.finished = False
        self._lease = begun.lease
        self._job = job
        self._crawl_id = crawl_id
        self._repository = begun.lease.repository
        self._worded = facts.is_worded(self._repository)
        self._before = begun.state
        self._stored = dict(begun.tags)
        self._summaries = {
            name: state.summary
            for name, state in begun.tags.items()
            if state.summary and state.watched and state.gone_at is None
        }
        self._names: tuple[str, ...] = ()
        self._heard = 0
        self._renew_at = self._next_renewal()
        self._judged_beside: set[str] = set()
        self._outcome = Outcome()

    async def run(self) -> RepositoryResult:
        """Return how it ended, after everything was written."""
        listing, look = await listed(self._job.source, self._repository)
        self._names = names = await self._choose(listing)
        alike = not self._worded and self._knows_siblings(look)
        left = unseen_since(self._job.resume_since, names, self._stored)
        done = len(names) - len(left)
        self._outcome.add_states(self._stored[name] for name in sorted(set(names) - set(left)))
        for start in range(done, len(names), SLICE):
            part = left[start - done : start - done + SLICE]
            if look.state in _READ or exact_tags(self._job.registry):
                batch = await self._look_at(part, whole=len(left) <= SLICE and alike)
            else:
                batch = await self._failed_batch(part, look)
            so_far = SliceProgress(start // SLICE, start + len(part), len(names))
            await self._record(msgspec.structs.replace(batch, progress=so_far), look)
            if start + SLICE < len(names) and look.state in _READ:
                await self._look_between(look)
        if not self.finished:
            await self._finish(look)
        return self._outcome.result(self._repository, look, len(names))

    async def _look_between(self, look: Look) -> None:
        """Look between slices at what somebody asks for: nobody waits for a large repository."""
        job = self._job
        asked = await looks.asked_tags(
            job.store, job.registry.name, self._repository, after=self._heard
        )
        if not asked:
            return
        self._heard = asked[-1].id
        names = wanted_tags(job.registry, self._names, [one.tag for one in asked])
        if names:
            await self._record(await self._look_at(names, whole=False), look)
        self._names = tuple(sorted({*self._names, *(n for n in names if n in self._summaries)}))

    async def _choose(self, listing: Listing) -> tuple[str, ...]:
        """Return the tags to look at; those that left the configuration are unwatched.

        A tag that is no longer listed is still looked at: only its own 404 says it is gone.
        """
        registry = self._job.registry
        known = [n for n, state in self._stored.items() if state.watched and not state.gone_at]
        chosen = chosen_tags(registry, listing.names, known, complete=listing.complete)
        left = [name for name in known if name not in chosen]
        if left and listing.complete:
            await observations.unwatch_tags(self._job.store, self._lease, left)
            for name in left:
                self._summaries.pop(name, None)
                self._stored[name] = msgspec.structs.replace(self._stored[name], watched=False)
        return tuple(sorted(chosen))

    def _knows_siblings(self, look: Look) -> bool:
        """Say whether all watched tags are known: they were listed, or are configured by name."""
        registry = self._job.registry
        return look.state is LookState.VERIFIED or len(exact_tags(registry)) == len(registry.tags)

    def _siblings(self) -> tuple[TagSummary, ...]:
        """Return all watched tags by name, those too that were never read."""
        return tuple(self._summaries.get(name) or TagSummary(name) for name in self._names)

    def _next_renewal(self) -> datetime:
        return self._job.now() + timedelta(seconds=self._job.settings.lease_s / 3)

    async def _renew(self) -> None:
        """Keep the lease while a slice takes long; writes will tell if it is lost."""
        job, now = self._job, self._job.now()
        if now >= self._renew_at:
            self._renew_at = self._next_renewal()
            with suppress(LeaseLost):
                await leases.renew(job.store, self._lease, job.settings.lease_s, now)

    async def _look_at(self, names: Sequence[str], *, whole: bool) -> Batch:
        """Look at some tags and judge them; return what is to be written in one transaction."""
        job = self._job
        fresh_after = job.now() - timedelta(seconds=job.settings.presence_age_s)
        known = StoreKnown(job.store, self._lease.repository_id, fresh_after, lasting=True)
        source, turns = OnceSource(job.source), asyncio.Semaphore(TAGS_AT_ONCE)

        async def look_at(name: str) -> Observation | Unchanged:
            async with turns:
                await self._renew()
                seen = await observe(
                    source,
                    job.registry.name,
                    Reference(job.registry.host, self._repository, name),
                    now=job.now,
                    known=known,
                    previous=known.vouched_digest(self._stored.get(name), job.judged_hash),
                    check_blobs=job.registry.check_blobs,
                )
                return await look_inside(job, source, seen, self._renew)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(look_at(name)) for name in names]
        taken = [task.result() for task in tasks]
        seen = [look for look in taken if isinstance(look, Observation)]
        fetched: dict[Digest, Content] = {}
        for name, look in zip(names, taken, strict=True):
            if isinstance(look, Observation) and look.root is not None:
                self._summaries[name] = facts.summary(name, look.root)
                fetched |= {x.digest: x for x in facts.contents(look.root, known.answered)}
        return Batch(
            crawl_id=self._crawl_id,
            at=job.now(),
            tags=await self._writes(seen, known, whole=whole),
            unchanged=tuple(x.reference.target for x in taken if isinstance(x, Unchanged)),
            contents=tuple(fetched.values()),
        )

    async def _writes(
        self, seen: Sequence[Observation], known: StoreKnown, *, whole: bool
    ) -> tuple[TagWrite, ...]:
        """Return the consequences of the looks; `whole` = all siblings are known already."""
        job = self._job
        if whole:
            bench = Bench(job, job.rules, Siblings(tags=self._siblings()))
            judged_hash = job.judged_hash
        else:
            bench = Bench(job, facts.alone(job.rules), Siblings())
            judged_hash = job.judged_hash + facts.PENDING
        names = [look.reference.target for look in seen]
        tracked, is_first = await self._tracked(names), self._before.last_crawled_at is None
        told = await pasts(job, self._lease.repository_id, self._stored, seen, tracked)
        writes: list[TagWrite | None] = []
        for look, name in zip(seen, names, strict=True):
            before, previous, at = self._stored.get(name), tracked.get(name, ()), look.looked_at
            if look.root is None and look.look.mismatch is None:
                writes.append(failed_write(name, before, previous, look.look, at, job))
                continue
            marks, past = (known.vouched, judged_hash), told[name]
            writes.append(
                seen_write(look, before, previous, bench, *marks, is_first=is_first, history=past)
            )
            if whole:
                self._judged_beside.add(name)
        return tuple(write for write in writes if write is not None)

    async def _tracked(self, names: Sequence[str]) -> Mapping[str, tuple[Tracked, ...]]:
        """Return what was found of the tags; of one that was never stored there is nothing."""
        stored = [name for name in names if name in self._stored]
        if not stored:
            return {}
        return await findings.tracked(self._job.store, self._lease.repository_id, stored)

    async def _failed_batch(self, names: Sequence[str], look: Look) -> Batch:
        """Note that the repository could not be looked at: each known tag missed a round."""
        job, at = self._job, self._job.now()
        tracked = await self._tracked(names)
        failed = (
            failed_write(name, self._stored[name], tracked.get(name, ()), look, at, job)
            for name in names
            if name in self._stored
        )
        return Batch(crawl_id=self._crawl_id, at=at, tags=tuple(one for one in failed if one))

    async def _record(self, batch: Batch, look: Look) -> None:
        """Write a slice; the last one ends the crawl, unless tags are still to be judged."""
        self._stored = states_after(batch, self._stored)
        if batch.progress is not None and batch.progress.done == batch.progress.total:
            mark = self._siblings_hash(look)
            if not self._due(look, mark):
                batch = msgspec.structs.replace(batch, finish=self._ending(look, mark, batch.at))
        until = batch.at + timedelta(seconds=self._job.settings.lease_s)
        batch = msgspec.structs.replace(batch, renew_until=until)
        await observations.record(self._job.store, self._lease, batch)
        self._renew_at = self._next_renewal()
        self.finished = batch.finish is not None
        self._outcome.add(batch)

    def _siblings_hash(self, look: Look) -> str:
        """Return the mark of what the tags stand beside, the old one where that is not known."""
        if self._worded or not self._knows_siblings(look):
            return self._before.siblings_hash
        return facts.siblings_hash(self._siblings())

    def _due(self, look: Look, mark: str) -> list[str]:
        """Return the tags that are still to be judged beside their siblings.

        None of a repository whose siblings are in others too: those wait for all of the registry.
        """
        if self._worded or not self._knows_siblings(look):
            return []
        changed = mark != self._before.siblings_hash
        return due(self._stored, everything=changed, judged=self._judged_beside)

    def _ending(self, look: Look, mark: str, at: datetime) -> RepositoryFinish:
        age, empty = self._job.settings.confirm_gone_s, not self._summaries
        return ending(self._before, look, mark, at, empty=empty, confirm_gone_s=age)

    async def _finish(self, look: Look) -> None:
        """Judge what depends on siblings, and sign off."""
        job, mark = self._job, self._siblings_hash(look)
        if self._due(look, mark):
            writes = await judge_beside(
                job,
                self._crawl_id,
                self._lease,
                Siblings(tags=self._siblings()),
                everything=mark != self._before.siblings_hash,
                judged=self._judged_beside,
            )
            self._outcome.add_changes(writes)
        at = job.now()
        batch = Batch(crawl_id=self._crawl_id, at=at, finish=self._ending(look, mark, at))
        await observations.record(job.store, self._lease, batch)
        self.finished = True
