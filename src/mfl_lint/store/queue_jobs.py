"""Jobs of a worker that somebody may take for dead: it ends none that is another's by then.

What was fetched and never arrived, or could not be ended, would be its own for ever: it gives
signs of life. So it puts back what it is not at.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from procrastinate.psycopg_connector import PsycopgConnector
from procrastinate.utils import utcnow

from mfl_lint.store.postgresql import MOST_TRIES, gave_way
from mfl_lint.store.pulse import Pulse

_LOG: Final = logging.getLogger("mfl_lint")
# The job, if it is ours still: its row is held from then on, and nobody takes it over in between.
_OURS: Final = (
    "WITH mine AS MATERIALIZED (SELECT id FROM procrastinate_jobs WHERE id = %(id)s"
    " AND attempts = %(attempts)s AND worker_id = %(worker)s AND status = 'doing' FOR UPDATE) "
)
_FINISH: Final = (
    _OURS + "SELECT procrastinate_finish_job_v1(mine.id, %(status)s, %(delete)s) FROM mine"  # noqa: S608  # no value in it
)
# Another one that waits to do the same: it would stand in the way of the job that is put back.
_TWIN: Final = (
    _OURS + "DELETE FROM procrastinate_jobs AS job WHERE status = 'todo' AND queueing_lock ="  # noqa: S608  # no value in it
    " (SELECT queueing_lock FROM procrastinate_jobs JOIN mine USING (id)) RETURNING job.priority"
)
_RETRY: Final = (
    _OURS + "SELECT procrastinate_retry_job_v2(mine.id, %(at)s, %(priority)s, NULL, NULL) FROM mine"  # noqa: S608  # no value in it
)
# What is not urgent, and whose lock is free: the oldest, whatever waits before it.
_FETCH_CALM: Final = (
    "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %(worker)s WHERE id = ("
    "SELECT id FROM procrastinate_jobs AS job WHERE status = 'todo' AND priority <= 0"
    " AND queue_name = ANY(%(queues)s) AND (scheduled_at IS NULL OR scheduled_at <= now())"
    " AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs AS other WHERE other.lock = job.lock"
    " AND other.status = 'doing') ORDER BY priority DESC, id LIMIT 1 FOR UPDATE SKIP LOCKED"
    ") RETURNING *"
)
_HELD: Final = (
    "SELECT * FROM procrastinate_jobs WHERE worker_id = %(worker)s AND status = 'doing' ORDER BY id"
)
# After so many urgent jobs in a row comes one that is not, if any such waits. In turn: else two
# hosts whose jobs alternate would keep step with it, and one of them would have no share.
_IN_A_ROW: Final = (3, 2)
_SILENT: Final = (
    "SELECT last_heartbeat < now() - make_interval(secs => %(seconds)s) AS silent"
    " FROM procrastinate_workers WHERE id = %(worker)s"
)


class OwnJobs(JobManager):
    """procrastinate asks for a job's number only, whoever has it meanwhile."""

    def __init__(self, connector: PsycopgConnector, pulse: Pulse) -> None:
        super().__init__(connector)
        self._pulse = pulse
        self._worker: int | None = None
        self._at: set[tuple[int | None, int]] = set()
        # Since when a job is held that nobody is at.
        self._lost: dict[tuple[int | None, int], float] = {}
        self._urgent = 0
        self._calm = 0

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """Return a job to do, None where none waits; after urgent ones in a row, one that is not.

        Else what is asked for without end would keep rounds from ever going on.
        """
        job = await self._fetch(list(queues or ()), worker_id)
        if job is not None:
            self._count(job)
            self._at.add((job.id, job.attempts))
        return job

    def _count(self, job: Job) -> None:
        if job.priority > 0:
            self._urgent += 1
        else:
            self._urgent, self._calm = 0, self._calm + 1

    async def _fetch(self, queues: list[str], worker_id: int) -> Job | None:
        try:
            if self._urgent >= _IN_A_ROW[self._calm % len(_IN_A_ROW)]:
                about = {"queues": queues, "worker": worker_id}
                for row in await self.connector.execute_query_all_async(_FETCH_CALM, **about):
                    return Job.from_row(row)
            return await super().fetch_job(queues, worker_id)
        except UniqueViolation:
            return None  # another one took the same lock at this moment: it is asked for again

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        """End the job, if it is ours still."""
        try:
            await self._do(_FINISH, job, status=status.value, delete=delete_job)
        finally:
            self._at.discard((job.id, job.attempts))

    async def retry_job(
        self, job: Job, retry_at: datetime | None = None, *_: Any, **__: Any
    ) -> None:
        """Put the job back, if it is ours still, in place of the one that waits to do the same.

        It stays in its queue, as urgent as the more urgent one of the two.
        """
        try:
            await self._put_back(job, retry_at or utcnow())
        finally:
            self._at.discard((job.id, job.attempts))

    async def _put_back(self, job: Job, at: datetime) -> None:
        priority = job.priority
        while True:
            twins = await self._do(_TWIN, job)
            priority = max([priority, *(one["priority"] for one in twins)])
            try:
                await self._do(_RETRY, job, at=at, priority=priority)
            except UniqueViolation:
                continue  # one was enqueued at this very moment
            return

    async def _do(self, statement: Any, job: Job, **values: Any) -> list[dict[str, Any]]:
        about = {"id": job.id, "attempts": job.attempts, "worker": job.worker_id, **values}
        tries = MOST_TRIES
        while True:
            tries -= 1
            try:
                return await self.connector.execute_query_all_async(statement, **about)
            except ConnectorException as error:
                if not tries or not gave_way(error.__cause__):
                    raise

    async def register_worker(self) -> int:
        """Return the number of a new worker, which lives."""
        sent_at = asyncio.get_running_loop().time()
        number = self._worker = await super().register_worker()
        self._pulse.beat(sent_at)
        return number

    async def live(self) -> None:
        """Give signs of life for ever. Whoever cannot drops what others do by then."""
        while True:
            await asyncio.sleep(self._pulse.stalled_s / 5)
            with suppress(ConnectorException):  # the queue's other questions tell
                await self.beat()

    async def beat(self) -> None:
        """Give a sign of life, if there is a worker that has not ended; put back what is lost."""
        if self._worker is not None:
            await self.update_heartbeat(self._worker)
            await self._put_back_lost(self._worker)

    async def unregister_worker(self, worker_id: int) -> None:
        """Let others do at once what this worker has still."""
        self._worker = None
        await super().unregister_worker(worker_id)

    async def update_heartbeat(self, worker_id: int) -> None:
        """Give a sign of life; drop all jobs if it is late: the machine stood still, say."""
        sent_at = asyncio.get_running_loop().time()
        about = {"worker": worker_id, "seconds": self._pulse.stalled_s}
        rows = await self.connector.execute_query_all_async(_SILENT, **about)
        if not rows or rows[0]["silent"]:
            self._pulse.drop()
        await super().update_heartbeat(worker_id)
        self._pulse.beat(sent_at)

    async def _put_back_lost(self, worker_id: int) -> None:
        """Put back what is ours for so long that its arrival, or its end, must have got lost."""
        now = asyncio.get_running_loop().time()
        rows = await self.connector.execute_query_all_async(_HELD, worker=worker_id)
        held = {(job.id, job.attempts): job for job in map(Job.from_row, rows)}
        lost = held.keys() - self._at
        self._lost = {key: self._lost.get(key, now) for key in lost}
        for key, since in self._lost.items():
            if now - since >= self._pulse.stalled_s / 2:
                _LOG.warning("a job that nobody was at is done again: %s", held[key].task_name)
                await self.retry_job(held[key])
