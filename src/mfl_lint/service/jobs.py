"""What a worker does with each job. Jobs come and may come twice; the store says what is left."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from mfl_lint.config import Config
from mfl_lint.core.errors import ConfigInvalid, MflLintError, StoreError
from mfl_lint.crawl.crawler import Crawler
from mfl_lint.crawl.job import Job
from mfl_lint.crawl.shared import begin_round, crawl_part, end_round, give_up_part, give_up_round
from mfl_lint.registry.politeness import limits_of
from mfl_lint.service.crawling import log_crawled
from mfl_lint.service.looker import Looker
from mfl_lint.service.manners import Manners
from mfl_lint.service.outage import Outage
from mfl_lint.service.slots import Slots, slot_of
from mfl_lint.store import round_states
from mfl_lint.store.engine import Store
from mfl_lint.store.pulse import Pulse
from mfl_lint.store.queue import (
    BEGIN,
    CRAWL,
    END,
    HOLDER,
    LOOK,
    JobSpec,
    Queue,
    free_dead,
    is_ours,
    note_failed,
)
from mfl_lint.store.rounds import slot_lock

if TYPE_CHECKING:
    from procrastinate import App, JobContext
    from procrastinate.jobs import Job as QueuedJob

_LOG: Final = logging.getLogger("mfl_lint")
_TRIES: Final = 2
# Several jobs die with a worker, and one of them may be the reason.
_MOST_KILLED: Final = 5
_AGAIN_S: Final = 1


class Hand:
    """Does jobs over one store. `config` is asked for each, so that it may be replaced."""

    def __init__(
        self, store: Store, queue: Queue, config: Callable[[], Config], now: Callable[[], datetime]
    ) -> None:
        self.slots = Slots()
        self.outage = Outage()
        self.manners = Manners(store, self.slots, self.outage)
        self._store = store
        self._queue = queue
        self._config = config
        self._now = now

    def register(self, app: App, pulse: Pulse) -> None:
        """Have the application's jobs done by this hand, while it gives signs of life."""
        from procrastinate import RetryStrategy

        works: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {
            BEGIN: self.begin,
            CRAWL: self.crawl,
            END: self.end,
            LOOK: self.look,
        }
        for name, work in works.items():
            again = RetryStrategy(max_attempts=1000, wait=_AGAIN_S)
            app.task(name=name, pass_context=True, retry=again)(self._task(work, pulse))

    def _task(
        self, work: Callable[..., Coroutine[Any, Any, None]], pulse: Pulse
    ) -> Callable[..., Awaitable[None]]:
        async def task(context: JobContext, killed: int = 0, failed: int = 0, **args: Any) -> None:
            try:
                if not await self._moved(context.job, args):
                    await pulse.during(work(context.job, **args))
            except StoreError as error:
                _LOG.warning("a job is done again: %s", error)
                raise
            except Exception:
                _LOG.exception("a job broke, and is done again")
                await note_failed(self._store, context.job.id or 0)
                raise

        return task

    async def _moved(self, job: QueuedJob, args: Mapping[str, Any]) -> bool:
        """Have a job of a slot that the host has no more done in one that it has."""
        registry = self._config().registry(args["registry"])
        if registry is None or "slot" not in args:
            return False
        slot = slot_of(self._config(), registry.host, args["slot"])
        if slot == args["slot"]:
            return False
        lock = slot_lock(registry.host, slot)
        args = {**job.task_kwargs, "slot": slot}
        moved = JobSpec(job.task_name, args, lock, job.queueing_lock, job.priority)
        await self._store.write(self._queue.put, [moved])
        return True

    def _crawler(self, job: QueuedJob, registry: str, slot: int) -> tuple[Crawler, Job]:
        """Return what crawls under the job's name with the slot's share of the host."""
        holder = HOLDER.format(job.id, job.attempts)
        config, named, transport = self.slots.of(self._config(), registry, slot)
        crawler = Crawler(self._store, transport, config, self._now, holder=lambda: holder)
        return crawler, crawler.job(named, crawler.client(named))

    @asynccontextmanager
    async def _slotted(
        self, job: QueuedJob, registry: str, slot: int, repository: str = ""
    ) -> AsyncIterator[tuple[Crawler, Job]]:
        """Yield the same, while nobody else asks anything by that slot."""
        crawler, work = self._crawler(job, registry, slot)
        if job.attempts and repository:
            await free_dead(self._store, (registry, repository))
        share = limits_of(work.registry)
        async with self.manners.slot(work.registry.host, slot, share, again=job.attempts > 0):
            yield crawler, work

    async def _still(self, job: QueuedJob, place: tuple[str, str]) -> bool:
        await free_dead(self._store, place)
        return await is_ours(self._store, job.id or 0, job.attempts, job.worker_id)

    async def begin(self, job: QueuedJob, crawl_id: int, registry: str, slot: int) -> None:
        """List a registry's repositories."""
        round_ = await round_states.running(self._store, crawl_id)
        if round_ is None or round_.planned:
            return
        try:
            _check_killed(job)
            async with self._slotted(job, registry, slot) as (_, work):
                await begin_round(work, self._queue, round_)
        except Exception as error:
            problem = _given_up(job, f"the crawl of {registry}", error)
            await give_up_round(self._store, round_, problem, self._now())

    async def crawl(
        self, job: QueuedJob, crawl_id: int, registry: str, slot: int, repository: str
    ) -> None:
        """Crawl a repository of a round."""
        round_ = await round_states.running(self._store, crawl_id)
        if round_ is None:
            return
        still = partial(self._still, job, (registry, repository))
        try:
            _check_killed(job)
            async with self._slotted(job, registry, slot, repository) as (_, work):
                if job.attempts:
                    work = replace(work, resume_since=round_.started_at)
                await crawl_part(work, self._queue, round_, repository, slot, still)
        except Exception as error:
            problem = _given_up(job, f"the crawl of {registry}/{repository}", error)
            await give_up_part(self._store, self._queue, round_, repository, slot, problem)

    async def end(self, job: QueuedJob, crawl_id: int, registry: str) -> None:
        """End a round."""
        round_ = await round_states.running(self._store, crawl_id)
        if round_ is None:
            return
        if job.attempts:
            await free_dead(self._store)
        try:
            _check_killed(job)
            _, work = self._crawler(job, registry, 0)
            log_crawled(registry, await end_round(work, round_))
        except Exception as error:
            problem = _given_up(job, f"the crawl of {registry}", error)
            await give_up_round(self._store, round_, problem, self._now())

    async def look(self, job: QueuedJob, registry: str, repository: str, slot: int) -> None:
        """Look at what somebody asked for of a repository."""
        holder = HOLDER.format(job.id, job.attempts)
        with suppress(ConfigInvalid):  # it left the settings meanwhile: it is looked at no more
            async with self._slotted(job, registry, slot, repository) as (crawler, _):
                looker = Looker(self._store, crawler, self._now, 0.0, holder)
                try:
                    _check_killed(job)
                    await looker.look_now((registry, repository))
                except Deadly as error:
                    _LOG.error("the look at %s/%s is given up: %s", registry, repository, error)
                    await looker.give_up((registry, repository))


class Deadly(MflLintError):
    """A job whose workers are killed, one after another."""


def _times(job: QueuedJob, what: str) -> int:
    """Return how often a job was killed, or failed, before."""
    times = job.task_kwargs.get(what, 0)
    return times if isinstance(times, int) else 0


def _check_killed(job: QueuedJob) -> None:
    """Raise Deadly where it may be the job that kills its workers."""
    if (killed := _times(job, "killed")) >= _MOST_KILLED:
        raise Deadly(f"{killed} workers were killed while they were at it")


def _given_up(job: QueuedJob, what: str, error: Exception) -> str:
    """Return what to say of a job that fails for good; raise the error where trying again helps."""
    if isinstance(error, (ConfigInvalid, Deadly)):
        return str(error)
    if isinstance(error, StoreError) or _times(job, "failed") < _TRIES:
        raise error
    _LOG.error("%s is given up", what, exc_info=error)
    return f"could not be crawled: {type(error).__name__}; the worker's log has it"
