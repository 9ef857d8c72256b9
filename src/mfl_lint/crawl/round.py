"""Crawl one registry once: list it, crawl its repositories, judge names, settle what vanished."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from typing import Final

from mfl_lint.core.errors import ConfigInvalid, LeaseLost
from mfl_lint.core.observation import LookState
from mfl_lint.core.records import CrawlStatus
from mfl_lint.crawl.crew import Crew, Mate, MateGone
from mfl_lint.crawl.job import Job, Progress, RepositoryResult
from mfl_lint.crawl.names import judge_names
from mfl_lint.crawl.planning import (
    close_round,
    could_not_look,
    held_elsewhere,
    is_done,
    look_again,
    plan_round,
    round_since,
    status_of,
)
from mfl_lint.crawl.repository import crawl_repository
from mfl_lint.crawl.watch import watched_repositories
from mfl_lint.store import crawls, leases, registries

Show = Callable[[Progress], None]
CrawlOne = Callable[[str], Awaitable[RepositoryResult | None]]
_REPORT_EVERY_S: Final = 1.0
_MOMENTS: Final = 20
_MOMENT_S: Final = 0.05


async def crawl_registry(
    job: Job,
    crew: Crew | None = None,
    *,
    only: Sequence[str] | None = None,
    show: Show = lambda progress: None,
) -> Progress:
    """Crawl the registry to its end and return how it went; no failure to look is raised.

    The `crew` helps where that pays. `only` some of its repositories: nothing is listed then, and
    nothing settled as gone. `show` is called whenever the progress changed.
    """
    started_at = job.now()
    partial = only is not None
    crawl_id = await crawls.start_crawl(job.store, job.registry.name, started_at, partial=partial)
    progress = Progress(crawl_id, job.registry.name, started_at, partial=partial)
    status = CrawlStatus.INTERRUPTED
    try:
        since = started_at if partial else await round_since(job, crawl_id, started_at)
        round_ = _Round(replace(job, round_since=since, partial=partial), crew, progress, show)
        await round_.run(only)
        status = status_of(progress)
    finally:
        await _report(job, progress)
        await crawls.finish_crawl(job.store, crawl_id, status, progress.problem, job.now())
        show(progress)
    return progress


class _Round:
    """One crawl of one registry."""

    def __init__(self, job: Job, crew: Crew | None, progress: Progress, show: Show) -> None:
        self._job = job
        self._crew = crew
        self._progress = progress
        self._show = show
        self._reported_at = job.now()
        self._held: list[str] = []
        self._left: list[str] = []
        if job.inside is not None:
            job.inside.told = self._show_layers

    def _show_layers(self) -> None:
        self._progress.layers = self._layers()
        self._show(self._progress)

    def _layers(self) -> int:
        """Return how many layers were read, by the crew too."""
        here = self._job.inside.layers if self._job.inside else 0
        return here + (self._crew.layers if self._crew else 0)

    async def run(self, only: Sequence[str] | None) -> None:
        try:
            await (self._run_all() if only is None else self._run_some(only))
        except ConfigInvalid as error:
            self._progress.problem = str(error)
            await registries.set_notice(
                self._job.store, self._job.registry.name, str(error), self._job.now()
            )

    async def _run_some(self, asked: Sequence[str]) -> None:
        names = watched_repositories(self._job.registry, asked)
        self._progress.repositories = len(names)
        self._show(self._progress)
        await self._crawl(names)
        await judge_names(self._job, self._progress, only=names)

    async def _run_all(self) -> None:
        plan = await plan_round(self._job)
        self._progress.repositories = len(plan.names)
        self._show(self._progress)
        failed = await self._crawl(plan.names)
        await close_round(self._job, self._progress, plan, failed)

    async def _crawl(self, names: Sequence[str]) -> list[RepositoryResult]:
        """Crawl the repositories, a few at once; return those that could not be listed."""
        job, failed = self._job, list[RepositoryResult]()
        await leases.release_ended(job.store, job.registry.name, job.has_ended, job.now())
        await self._work(names, failed)
        # What another process held then may be free by now, with its work done or not.
        held, self._held = self._held, []
        await leases.release_ended(job.store, job.registry.name, job.has_ended, job.now())
        # What a mate left behind may be done or not: only its answer was to tell how it ended.
        left, self._left = self._left, []
        again = [name for name in held if not await is_done(job, name, self._progress.started_at)]
        await self._work([*left, *again], failed, alone=True)
        self._progress.held = len(self._held)
        if self._held and not self._progress.problem:
            self._progress.problem = held_elsewhere(len(self._held))
        await look_again(job, failed)
        return sorted(failed, key=lambda result: result.repository)

    async def _work(
        self, names: Sequence[str], failed: list[RepositoryResult], *, alone: bool = False
    ) -> None:
        job, waiting = self._job, iter(names)

        async def work(crawl: CrawlOne) -> None:
            for name in waiting:
                try:
                    result = await crawl(name)
                except MateGone:
                    self._left.append(name)
                    return
                if result is None:
                    self._held.append(name)
                elif could_not_look(result):
                    failed.append(result)
                await self._step(result)

        try:
            async with (
                self._mates(0 if alone else len(names)) as mates,
                asyncio.TaskGroup() as group,
            ):
                own = self._patient if alone else self._one
                for crawl in (own, *(mate.crawl for mate in mates)):
                    for _ in range(job.settings.repositories_at_once):
                        group.create_task(work(crawl))
        except ExceptionGroup as failures:
            # One stands for all: what stops one repository in this way stops each.
            raise _first(failures) from failures

    def _mates(self, repositories: int) -> AbstractAsyncContextManager[Sequence[Mate]]:
        """Return who else crawls some of so many repositories."""
        if self._crew is None:
            return nullcontext(())
        return self._crew.mates(self._job, self._progress.crawl_id, repositories)

    async def _one(self, name: str) -> RepositoryResult | None:
        try:
            return await crawl_repository(self._job, self._progress.crawl_id, name)
        except LeaseLost:
            return None

    async def _patient(self, name: str) -> RepositoryResult | None:
        """Crawl a repository that was held: a look at some of its tags takes a moment."""
        for _ in range(_MOMENTS):
            result = await self._one(name)
            if result is not None:
                return result
            await asyncio.sleep(_MOMENT_S)
        return None

    async def _step(self, result: RepositoryResult | None) -> None:
        """Count a repository in; what is shown is kept in the store once a second at most."""
        progress = self._progress
        progress.requests = self._job.requests()
        progress.layers = self._layers()
        progress.repositories_done = min(progress.repositories_done + 1, progress.repositories)
        if result is not None:
            seen = result.look in (LookState.VERIFIED, LookState.ABSENT)
            progress.unseen += not seen
            progress.failed |= {*result.failed, *([] if seen else [result.look])}
            progress.tags += result.looked
            progress.opened += result.opened
            progress.resolved += result.resolved
            progress.problem = progress.problem or result.problem
        self._show(progress)
        if (self._job.now() - self._reported_at).total_seconds() >= _REPORT_EVERY_S:
            self._reported_at = self._job.now()
            await _report(self._job, progress)


def _first(group: ExceptionGroup[Exception]) -> Exception:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, ExceptionGroup) else error


async def _report(job: Job, progress: Progress) -> None:
    await crawls.progress(
        job.store,
        progress.crawl_id,
        repositories=progress.repositories,
        repositories_done=progress.repositories_done,
        tags=progress.tags,
        requests=job.requests(),
    )
