"""A round that workers share: what each job of it does. The jobs' order is the store's matter."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

from mfl_lint.core.errors import LeaseLost
from mfl_lint.core.observation import LookState
from mfl_lint.core.records import CrawlStatus
from mfl_lint.crawl.job import Job, Progress, RepositoryResult
from mfl_lint.crawl.planning import (
    Plan,
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
from mfl_lint.store import crawls, registries, round_states, rounds
from mfl_lint.store.engine import Store
from mfl_lint.store.queue import Queue
from mfl_lint.store.round_states import Part, Round

HELD: Final = "held"
_MOMENTS: Final = 240
_MOMENT_S: Final = 0.25

Still = Callable[[], Awaitable[bool]]


async def begin_round(job: Job, queue: Queue, round_: Round) -> None:
    """List the repositories, and have them crawled."""
    plan = await plan_round(job)
    since = await round_since(job, round_.crawl_id, round_.started_at)
    listed = (plan.look.value, plan.detail, plan.complete)
    await rounds.plan(
        job.store,
        queue,
        round_.crawl_id,
        plan.names,
        since,
        listed,
        requests=job.requests(),
    )


async def crawl_part(
    job: Job, queue: Queue, round_: Round, repository: str, slot: int, still: Still
) -> None:
    """Crawl one repository of a round, and have the next one crawled.

    `still` says whether the job is still ours, and frees what the dead have held.
    """
    job = replace(job, round_since=round_.since)
    result, before = None, job.requests()
    for _ in range(_MOMENTS):
        try:
            result = await crawl_repository(job, round_.crawl_id, repository)
        except LeaseLost:
            result = None
        if result is None and not await still():
            return
        if result is not None or await is_done(job, repository, round_.started_at):
            break
        await asyncio.sleep(_MOMENT_S)
    part = Part(repository, HELD, 0, 0, "") if result is None else _part_of(result)
    asked, problem = job.requests() - before, result.problem if result else ""
    await rounds.end_part(job.store, queue, round_, part, slot, requests=asked, problem=problem)


def _part_of(result: RepositoryResult) -> Part:
    return Part(result.repository, result.look.value, result.tags, result.looked, result.detail)


async def give_up_part(
    store: Store, queue: Queue, round_: Round, repository: str, slot: int, problem: str
) -> None:
    """Note that a repository could not be crawled, and have the next one crawled."""
    result = RepositoryResult(repository, LookState.INVALID, detail=problem)
    await rounds.end_part(
        store, queue, round_, _part_of(result), slot, requests=0, problem=result.problem
    )


async def end_round(job: Job, round_: Round) -> Progress:
    """Do what follows from all of the registry, once all repositories were crawled.

    Return how it ended.
    """
    job = replace(job, round_since=round_.since)
    crawled = await crawls.crawl(job.store, round_.crawl_id)
    parts = await round_states.failed_parts(job.store, round_.crawl_id)
    held = sum(part.look == HELD for part in parts)
    results = (_result(part) for part in parts if part.look != HELD)
    failed = [result for result in results if could_not_look(result)]
    progress = Progress(round_.crawl_id, round_.registry, round_.started_at, held=held)
    if crawled is not None:
        progress.tags, progress.problem = crawled.tags, crawled.problem
    if held and not progress.problem:
        progress.problem = held_elsewhere(held)
    names = await round_states.names(job.store, round_.crawl_id)
    plan = Plan(names, LookState(round_.look), round_.detail, round_.complete)
    await look_again(job, failed)
    first = progress.problem
    await close_round(job, progress, plan, failed)
    # What stopped a job stands nowhere else.
    if (
        plan.look is LookState.VERIFIED
        and len(failed) < len(names)
        and first not in progress.problem
    ):
        progress.problem += f"; {first}"
    await _over(job.store, round_, status_of(progress), progress.problem, job.now())
    return progress


def _result(part: Part) -> RepositoryResult:
    """Return how a repository's crawl ended, of what was kept of it."""
    look = LookState(part.look)
    return RepositoryResult(part.repository, look, part.tags, part.looked, detail=part.detail)


async def give_up_round(store: Store, round_: Round, problem: str, now: datetime) -> None:
    """End a round that cannot go on, and say why."""
    await registries.set_notice(store, round_.registry, problem, now)
    await _over(store, round_, CrawlStatus.FAILED, problem, now)


async def _over(
    store: Store, round_: Round, status: CrawlStatus, problem: str, now: datetime
) -> None:
    await crawls.finish_crawl(store, round_.crawl_id, status, problem, now)
    await rounds.forget(store, round_.crawl_id)
