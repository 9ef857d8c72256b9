"""Crawl one repository: look at its tags, judge them, remember it. The unit of work.

Idempotent, and safe to kill anywhere: what one look at a tag leads to is written in one
transaction, and what was not written is looked at again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final

from mfl_lint.core.digest import Digest
from mfl_lint.core.errors import LeaseLost, RegistryError
from mfl_lint.core.observation import VERIFIED, Look, LookState, Observation
from mfl_lint.core.records import Batch, Content, Lease, TagState, TagWrite
from mfl_lint.core.reference import Reference
from mfl_lint.core.rule import Siblings, TagSummary
from mfl_lint.core.truth import Change
from mfl_lint.crawl import facts
from mfl_lint.crawl.beside import judge_beside
from mfl_lint.crawl.consequences import Bench, failed_write, seen_write
from mfl_lint.crawl.job import Job, RepositoryResult
from mfl_lint.crawl.known import StoreKnown
from mfl_lint.crawl.once import OnceSource
from mfl_lint.crawl.watch import exact_tags, watched_tags
from mfl_lint.registry.observe import Unchanged, observe
from mfl_lint.registry.source import Listing
from mfl_lint.registry.tree import look_of
from mfl_lint.store import findings, leases, observations, registries

SLICE: Final = 100
TAGS_AT_ONCE: Final = 8
_READ: Final = (LookState.VERIFIED, LookState.INVALID)


async def crawl_repository(job: Job, crawl_id: int, repository: str) -> RepositoryResult | None:
    """Look at all watched tags of a repository; None where another worker holds it.

    Raises LeaseLost where the repository was taken over meanwhile: nothing was written since.
    """
    lease = await leases.acquire(
        job.store,
        job.registry.name,
        repository,
        job.holder,
        job.settings.lease_s,
        job.now(),
    )
    if lease is None:
        return None
    walk = RepositoryWalk(job, crawl_id, lease)
    try:
        return await walk.run()
    finally:
        await leases.release(job.store, walk.lease)


class RepositoryWalk:
    """One crawl of one repository."""

    def __init__(self, job: Job, crawl_id: int, lease: Lease) -> None:
        self.lease = lease
        self._job = job
        self._crawl_id = crawl_id
        self._repository = lease.repository
        self._worded = facts.is_worded(lease.repository)
        self._stored: Mapping[str, TagState] = {}
        self._summaries: dict[str, TagSummary] = {}
        self._names: tuple[str, ...] = ()
        self._is_first = False
        self._renew_at = job.now()
        self._judged_beside: set[str] = set()
        self._looked = self._opened = self._resolved = 0
        self._failed = ""

    async def run(self) -> RepositoryResult:
        """Return how it ended, after everything was written."""
        store, repository_id = self._job.store, self.lease.repository_id
        self._stored = await observations.known_tags(store, repository_id)
        held = await registries.repository(store, self._job.registry.name, self._repository)
        self._is_first = held is None or held.last_crawled_at is None
        self._summaries = {
            name: state.summary
            for name, state in self._stored.items()
            if state.summary and state.watched and state.gone_at is None
        }
        listing, look = await self._list()
        self._names = names = await self._choose(listing)
        alike = not self._worded and self._knows_siblings(look)
        for number, start in enumerate(range(0, len(names), SLICE)):
            part = names[start : start + SLICE]
            if look.state in _READ or exact_tags(self._job.registry):
                await self._look_and_write(part, whole=len(names) <= SLICE and alike)
            else:
                await self._write_failed(part, look)
            await self._slice_done(number, start + len(part), len(names))
        await self._finish(look)
        return RepositoryResult(
            repository=self._repository,
            look=look.state,
            tags=len(names),
            looked=self._looked,
            opened=self._opened,
            resolved=self._resolved,
            detail=look.detail or self._failed,
        )

    async def _list(self) -> tuple[Listing, Look]:
        """Return the tags as far as they were listed, and how the listing ended."""
        try:
            listing = await self._job.source.tags(self._repository)
        except RegistryError as error:
            return Listing((), "not listed"), look_of(error)
        look = VERIFIED if listing.complete else Look(LookState.INVALID, listing.problem)
        return listing, look

    async def _choose(self, listing: Listing) -> tuple[str, ...]:
        """Return the tags to look at; those that left the configuration are unwatched.

        A tag that is no longer listed is still looked at: only its own 404 says it is gone.
        """
        registry = self._job.registry
        known = [n for n, state in self._stored.items() if state.watched and not state.gone_at]
        unlisted = [name for name in known if name not in frozenset(listing.names)]
        if listing.complete:
            chosen = {*watched_tags(registry, listing.names), *watched_tags(registry, unlisted)}
        else:
            chosen = {*watched_tags(registry, (*listing.names, *unlisted)), *exact_tags(registry)}
        left = [name for name in known if name not in chosen]
        if left and listing.complete:
            await observations.unwatch_tags(self._job.store, self.lease, left)
            for name in left:
                self._summaries.pop(name, None)
        return tuple(sorted(chosen))

    def _knows_siblings(self, look: Look) -> bool:
        """Say whether all watched tags are known: they were listed, or are configured by name."""
        registry = self._job.registry
        return look.state is LookState.VERIFIED or len(exact_tags(registry)) == len(registry.tags)

    def _siblings(self) -> tuple[TagSummary, ...]:
        """Return all watched tags by name, those too that were never read."""
        return tuple(self._summaries.get(name) or TagSummary(name) for name in self._names)

    async def _renew(self) -> None:
        """Keep the lease while a slice takes long; writes will tell if it is lost."""
        job, now = self._job, self._job.now()
        if now >= self._renew_at:
            self._renew_at = now + timedelta(seconds=job.settings.lease_s / 3)
            with suppress(LeaseLost):
                self.lease = await leases.renew(job.store, self.lease, job.settings.lease_s, now)

    async def _look_and_write(self, names: Sequence[str], *, whole: bool) -> None:
        """Look at some tags, judge them and write it all in one transaction."""
        job = self._job
        fresh_after = job.now() - timedelta(seconds=job.settings.presence_age_s)
        known = StoreKnown(job.store, self.lease.repository_id, fresh_after)
        source, turns = OnceSource(job.source), asyncio.Semaphore(TAGS_AT_ONCE)

        async def look_at(name: str) -> Observation | Unchanged:
            async with turns:
                await self._renew()
                return await observe(
                    source,
                    job.registry.name,
                    Reference(job.registry.host, self._repository, name),
                    now=job.now,
                    known=known,
                    previous=self._vouched_digest(self._stored.get(name), known),
                )

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(look_at(name)) for name in names]
        looks = [task.result() for task in tasks]
        seen = [look for look in looks if isinstance(look, Observation)]
        fetched: dict[Digest, Content] = {}
        for look in seen:
            if look.root is not None:
                name = look.reference.target
                self._summaries[name] = facts.summary(name, look.root)
                fetched |= {x.digest: x for x in facts.contents(look.root, known.answered)}
        batch = Batch(
            crawl_id=self._crawl_id,
            at=job.now(),
            tags=await self._writes(seen, known, whole=whole),
            unchanged=tuple(x.reference.target for x in looks if isinstance(x, Unchanged)),
            contents=tuple(fetched.values()),
        )
        await self._record(batch)

    def _vouched_digest(self, before: TagState | None, known: StoreKnown) -> Digest | None:
        """Return the digest whose HEAD alone is enough now, None where more must be looked at."""
        if before is None or before.gone_at or before.unsettled or not before.complete:
            return None
        current = before.judged_hash.removesuffix(facts.PENDING) == self._job.judged_hash
        young = before.walked_at is not None and before.walked_at >= known.fresh_after
        readable = before.look is LookState.VERIFIED and before.watched
        return before.digest if current and young and readable else None

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
        tracked = await findings.tracked(job.store, self.lease.repository_id, names)
        writes: list[TagWrite | None] = []
        for look, name in zip(seen, names, strict=True):
            before, previous = self._stored.get(name), tracked.get(name, ())
            if look.root is None and look.look.mismatch is None:
                at = look.looked_at
                writes.append(failed_write(name, before, previous, look.look, at, job))
                continue
            first, vouched = self._is_first, known.vouched
            write = seen_write(look, before, previous, bench, vouched, judged_hash, is_first=first)
            writes.append(write)
            if whole:
                self._judged_beside.add(name)
        return tuple(write for write in writes if write is not None)

    async def _write_failed(self, names: Sequence[str], look: Look) -> None:
        """Note that the repository could not be looked at: each known tag missed a round."""
        job, at = self._job, self._job.now()
        tracked = await findings.tracked(job.store, self.lease.repository_id, names)
        failed = (
            failed_write(name, self._stored[name], tracked.get(name, ()), look, at, job)
            for name in names
            if name in self._stored
        )
        writes = tuple(write for write in failed if write is not None)
        await self._record(Batch(crawl_id=self._crawl_id, at=at, tags=writes))

    async def _record(self, batch: Batch) -> None:
        await observations.record(self._job.store, self.lease, batch)
        self._looked += len(batch.unchanged)
        for write in batch.tags:
            read = write.state.look in (LookState.VERIFIED, LookState.ABSENT)
            self._looked += read
            if not read:
                self._failed = self._failed or write.state.detail or str(write.state.look)
        self._count(batch.tags)

    def _count(self, writes: Iterable[TagWrite]) -> None:
        for write in writes:
            for transition in write.settlement.transitions:
                self._opened += transition.change is Change.OPENED
                self._resolved += transition.change is Change.RESOLVED

    async def _slice_done(self, number: int, done: int, total: int) -> None:
        job = self._job
        self.lease = await leases.renew(job.store, self.lease, job.settings.lease_s, job.now())
        await observations.slice_done(job.store, self.lease, self._crawl_id, number, done, total)

    async def _finish(self, look: Look) -> None:
        """Judge what depends on siblings, unless they are in other repositories too; sign off."""
        job, at = self._job, self._job.now()
        held = await registries.repository(job.store, job.registry.name, self._repository)
        before = held.siblings_hash if held else ""
        mark = before
        if not self._worded and self._knows_siblings(look):
            mark = facts.siblings_hash(self._siblings())
            writes = await judge_beside(
                job,
                self._crawl_id,
                self.lease,
                Siblings(tags=self._siblings()),
                everything=mark != before,
                judged=self._judged_beside,
            )
            self._count(writes)
        missing = (held.missing_since if held else None) or at
        absent = look.state is LookState.ABSENT
        confirmed = (at - missing).total_seconds() >= job.settings.confirm_gone_s
        empty = not self._summaries
        await observations.finish_repository(
            job.store,
            self.lease,
            look=look.state,
            detail=look.detail,
            siblings_hash=mark,
            missing_since=missing if absent else None,
            gone_at=at if absent and confirmed and empty else None,
            now=at,
        )
