"""Look at single tags of a repository, without a listing: what webhooks and people ask for."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from mfl_lint.core.observation import VERIFIED, Look, LookState
from mfl_lint.core.records import Begun
from mfl_lint.core.rule import Siblings
from mfl_lint.crawl.beside import judge_beside
from mfl_lint.crawl.job import Job, RepositoryResult
from mfl_lint.crawl.repository import RepositoryWalk
from mfl_lint.crawl.watch import wanted_tags
from mfl_lint.store import leases, observations

# What is recorded without one: such a look is no crawl, and nothing settles by it as gone.
NO_CRAWL: Final = 0


async def look_at_tags(job: Job, repository: str, tags: Collection[str]) -> RepositoryResult | None:
    """Look at those of the tags that are watched; None while somebody else holds the repository.

    The job is to be `partial`. The result's `look` is one of a tag that failed, if one did. Rules
    that read siblings are judged beside what the last whole crawl saw of these, once there was
    one. LeaseLost as in `crawl_repository`.
    """
    name, lease_s = job.registry.name, job.settings.lease_s
    begun = await leases.begin(job.store, name, repository, job.holder, lease_s, job.now())
    if begun is None:
        return None
    try:
        return await _TagsWalk(job, begun).look(tags)
    finally:
        await leases.release(job.store, begun.lease)


class _TagsWalk(RepositoryWalk):
    """A look at some tags of one repository."""

    def __init__(self, job: Job, begun: Begun) -> None:
        super().__init__(job, NO_CRAWL, begun)

    async def look(self, tags: Collection[str]) -> RepositoryResult:
        """Return how it ended, after everything was written."""
        names = wanted_tags(self._job.registry, self._standing(), tags)
        if names:
            await self._record(await self._look_at(names, whole=False), VERIFIED)
            await self._judge_beside()
        return self._outcome.result(self._repository, self._worst(names), len(names))

    def _worst(self, names: Collection[str]) -> Look:
        """Return a look that did not find out how a tag is, if there is one."""
        for name in names:
            state = self._stored.get(name)
            if state is not None and state.look not in (LookState.VERIFIED, LookState.ABSENT):
                return Look(state.look, state.detail)
        return VERIFIED

    def _standing(self) -> tuple[str, ...]:
        """Return the watched tags that are not known to be gone, by name."""
        stored = sorted(self._stored.items())
        return tuple(name for name, state in stored if state.watched and state.gone_at is None)

    async def _judge_beside(self) -> None:
        """Judge the tags that were looked at beside their siblings; all, where these changed."""
        job, before, self._names = self._job, self._before, self._standing()
        if before.look is None or not before.siblings_hash:
            return
        last = Look(before.look)
        mark = self._siblings_hash(last)
        if not self._due(last, mark):
            return
        changed = mark != before.siblings_hash
        siblings = Siblings(tags=self._siblings())
        self._outcome.add_changes(
            await judge_beside(job, NO_CRAWL, self._lease, siblings, everything=changed)
        )
        if changed:
            await observations.set_siblings_hash(job.store, self._lease, mark)
