"""Judge what siblings in other repositories decide, when all of a registry was listed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from mfl_lint.config import Scheme
from mfl_lint.core.names import platform_words
from mfl_lint.core.records import Batch, Lease, RepositoryState
from mfl_lint.core.reference import DEFAULT_REGISTRY, Reference
from mfl_lint.core.rule import Siblings, TagSummary
from mfl_lint.core.truth import Change, Settlement, settle, settle_gone
from mfl_lint.crawl import facts
from mfl_lint.crawl.beside import judge_beside
from mfl_lint.crawl.job import Job, Progress
from mfl_lint.lint import judge_name
from mfl_lint.store import findings, leases, observations, registries

_OWN: Final = ""


def families(names: Iterable[str], host: str = "") -> dict[str, tuple[str, ...]]:
    """Return, for each name with a platform word, the names that differ only by such a word.

    The name without any word is among them where it exists; on Docker Hub (`host`) the one of
    `nginx` is `library/nginx`.
    """
    everything = sorted(names)
    existing = frozenset(everything)
    members: dict[str, set[str]] = {}
    worded = {name: stems for name in everything if (stems := _stems(name))}
    for name, stems in worded.items():
        for stem in stems:
            members.setdefault(stem, set()).add(name)
            official = f"library/{stem}" if host == DEFAULT_REGISTRY and "/" not in stem else stem
            members[stem].update({stem, official} & existing)
    return {
        name: tuple(sorted(set().union(*(members[stem] for stem in stems)) - {name}))
        for name, stems in worded.items()
    }


def _stems(name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word.stem for word in platform_words(name)))


async def judge_names(job: Job, progress: Progress, *, only: Collection[str] | None = None) -> None:
    """Judge the names of repositories that hold a platform word, and their tags beside others'.

    `only` those that are, or stand beside, one of some repositories.
    """
    held = await registries.repositories(job.store, job.registry.name)
    listed = {item.name: item for item in held if item.watched and item.gone_at is None}
    family = families(listed, job.registry.host)
    everything = tuple(sorted(listed))
    for item in held:
        if item.gone_at is not None and facts.is_worded(item.name):
            await _Name(job, progress, item, Siblings()).settle_gone()
    for name, others in family.items():
        if only is not None and not {name, *others} & set(only):
            continue
        summaries = await registries.names_with_tags(job.store, job.registry.name, (name, *others))
        siblings = Siblings(
            tags=_by_name(summaries.get(name, ())),
            repositories=everything,
            others={other: _by_name(summaries.get(other, ())) for other in others},
        )
        await _Name(job, progress, listed[name], siblings).judge()


def _by_name(tags: Iterable[TagSummary]) -> tuple[TagSummary, ...]:
    """Return the tags in an order that is the same whatever database they come from."""
    return tuple(sorted(tags, key=lambda one: one.tag))


class _Name:
    """One repository whose siblings are in other repositories."""

    def __init__(
        self, job: Job, progress: Progress, held: RepositoryState, siblings: Siblings
    ) -> None:
        self._job = job
        self._progress = progress
        self._held = held
        self._siblings = siblings

    async def judge(self) -> None:
        """Judge the name and the tags, unless another worker holds the repository."""
        lease = await self._lease()
        if lease is None:
            return
        try:
            await self._judge_name(lease)
            await self._judge_tags(lease)
        finally:
            await leases.release(self._job.store, lease)

    async def settle_gone(self) -> None:
        """Resolve what was found of the name of a repository that is gone."""
        lease = await self._lease()
        if lease is None:
            return
        try:
            own = await findings.tracked(self._job.store, lease.repository_id, [_OWN])
            settlement = settle_gone(
                own.get(_OWN, ()), reason="the repository is gone", now=self._job.now()
            )
            await self._record(lease, settlement)
        finally:
            await leases.release(self._job.store, lease)

    async def _lease(self) -> Lease | None:
        job = self._job
        return await leases.acquire(
            job.store,
            job.registry.name,
            self._held.name,
            job.holder,
            job.settings.lease_s,
            job.now(),
        )

    async def _judge_name(self, lease: Lease) -> None:
        job = self._job
        reference = Reference(job.registry.host, self._held.name)
        judgement = judge_name(
            job.registry.name,
            reference,
            job.rules,
            job.policy,
            self._siblings,
            insecure=job.registry.scheme is Scheme.HTTP,
        )
        own = await findings.tracked(job.store, lease.repository_id, [_OWN])
        previous = own.get(_OWN, ())
        existing = frozenset(rule.id for rule in job.rules)
        retired = {item.finding.rule for item in previous} - existing
        settlement = settle(
            previous,
            judgement,
            complete=True,
            judged=existing | retired,
            now=job.now(),
            missed_rounds=job.settings.missed_rounds,
        )
        await self._record(lease, settlement)

    async def _judge_tags(self, lease: Lease) -> None:
        job, held, siblings = self._job, self._held, self._siblings
        mark = family_hash(siblings.tags or (), siblings.others)
        writes = await judge_beside(
            job,
            self._progress.crawl_id,
            lease,
            siblings,
            everything=mark != held.siblings_hash,
        )
        for write in writes:
            self._count(write.settlement)
        if mark != held.siblings_hash:
            await observations.set_siblings_hash(job.store, lease, mark)

    async def _record(self, lease: Lease, settlement: Settlement) -> None:
        batch = Batch(
            crawl_id=self._progress.crawl_id,
            at=self._job.now(),
            repository_settlement=settlement,
        )
        if settlement.changed:
            await observations.record(self._job.store, lease, batch)
            self._count(settlement)

    def _count(self, settlement: Settlement) -> None:
        for transition in settlement.transitions:
            self._progress.opened += transition.change is Change.OPENED
            self._progress.resolved += transition.change is Change.RESOLVED


def family_hash(own: Iterable[TagSummary], others: Mapping[str, tuple[TagSummary, ...]]) -> str:
    """Return what changes when something changed that rules read across repositories."""
    parts = [f"{name} {facts.siblings_hash(tags)}" for name, tags in sorted(others.items())]
    return facts.siblings_hash(own, parts)
