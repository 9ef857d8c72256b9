"""Jobs of a worker that somebody may take for dead: it ends none that is another's by then."""

from __future__ import annotations

from typing import Any, Final

from procrastinate.jobs import Job
from procrastinate.manager import JobManager

_OURS: Final = (
    "SELECT id FROM procrastinate_jobs WHERE id = %(id)s AND attempts = %(attempts)s"
    " AND worker_id = %(worker)s AND status = 'doing'"
)


class OwnJobs(JobManager):
    """procrastinate asks for a job's number only, whoever has it meanwhile."""

    async def finish_job(self, job: Job, *args: Any, **options: Any) -> None:
        """End the job, if it is ours still."""
        if await self._is_ours(job):
            await super().finish_job(job, *args, **options)

    async def retry_job(self, job: Job, *args: Any, **options: Any) -> None:
        """Put the job back, if it is ours still."""
        if await self._is_ours(job):
            await super().retry_job(job, *args, **options)

    async def _is_ours(self, job: Job) -> bool:
        about = {"id": job.id, "attempts": job.attempts, "worker": job.worker_id}
        return bool(await self.connector.execute_query_all_async(_OURS, **about))
