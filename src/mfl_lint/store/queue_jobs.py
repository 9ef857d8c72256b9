"""Jobs of a worker that somebody may take for dead: it ends none that is another's by then."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any, Final

from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from procrastinate.psycopg_connector import PsycopgConnector
from procrastinate.utils import utcnow

from mfl_lint.store.pulse import Pulse

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
_SILENT: Final = (
    "SELECT last_heartbeat < now() - make_interval(secs => %(seconds)s) AS silent"
    " FROM procrastinate_workers WHERE id = %(worker)s"
)


class OwnJobs(JobManager):
    """procrastinate asks for a job's number only, whoever has it meanwhile."""

    def __init__(self, connector: PsycopgConnector, pulse: Pulse) -> None:
        super().__init__(connector)
        self._pulse = pulse

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        """End the job, if it is ours still."""
        await self._do(_FINISH, job, status=status.value, delete=delete_job)

    async def retry_job(
        self, job: Job, retry_at: datetime | None = None, *_: Any, **__: Any
    ) -> None:
        """Put the job back, if it is ours still, in place of the one that waits to do the same.

        It stays in its queue, as urgent as the more urgent one of the two.
        """
        priority = job.priority
        while True:
            twins = await self._do(_TWIN, job)
            priority = max([priority, *(one["priority"] for one in twins)])
            try:
                await self._do(_RETRY, job, at=retry_at or utcnow(), priority=priority)
            except UniqueViolation:
                continue  # one was enqueued at this very moment
            return

    async def _do(self, statement: Any, job: Job, **values: Any) -> list[dict[str, Any]]:
        about = {"id": job.id, "attempts": job.attempts, "worker": job.worker_id}
        return await self.connector.execute_query_all_async(statement, **about, **values)

    async def register_worker(self) -> int:
        """Return the number of a new worker, which lives."""
        sent_at = asyncio.get_running_loop().time()
        number = await super().register_worker()
        self._pulse.beat(sent_at)
        return number

    async def update_heartbeat(self, worker_id: int) -> None:
        """Give a sign of life; drop all jobs if it is late: the machine stood still, say."""
        sent_at = asyncio.get_running_loop().time()
        about = {"worker": worker_id, "seconds": self._pulse.stalled_s}
        rows = await self.connector.execute_query_all_async(_SILENT, **about)
        if not rows or rows[0]["silent"]:
            self._pulse.drop()
        await super().update_heartbeat(worker_id)
        self._pulse.beat(sent_at)
