"""When registries are crawled: cron or interval, with jitter, never twice at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from mfl_lint.config import RegistryConfig
from mfl_lint.core.errors import ConfigInvalid

_MAX_JITTER_S: Final = 600.0
_BESIDES: Final = "besides:"
_SOON_S: Final = 600.0

Run = Callable[[str], Awaitable[None]]


def trigger_of(registry: RegistryConfig, jitter: float) -> BaseTrigger | None:
    """Return when the registry is due, None for never; raise ConfigInvalid for a bad cron line.

    `jitter` is the share of an interval by which a run may be late; UTC throughout.
    """
    if registry.cron:
        try:
            trigger = CronTrigger.from_crontab(registry.cron, timezone=UTC)
        except ValueError as error:
            raise ConfigInvalid(
                f"registry {registry.name}: cron {registry.cron!r}: {error}"
            ) from None
        trigger.jitter = round(60 * jitter)
        return trigger
    if registry.interval_s:
        late = round(min(registry.interval_s * jitter, _MAX_JITTER_S))
        return IntervalTrigger(seconds=round(registry.interval_s) or 1, jitter=late, timezone=UTC)
    return None


class Schedule:
    """The plan of one process. `run` crawls the registry of that name."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._scheduler = AsyncIOScheduler(
            timezone=UTC,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def start(self) -> None:
        """Begin to run what is due, in the running event loop."""
        self._scheduler.start()

    def stop(self) -> None:
        """Run nothing more; what runs goes on."""
        self._scheduler.shutdown(wait=False)

    def plan(
        self,
        registries: Iterable[RegistryConfig],
        *,
        jitter: float,
        last: Mapping[str, datetime],
        now: datetime,
    ) -> None:
        """Make this the plan. A registry whose `last` crawl is longer ago than due runs now."""
        wanted = {registry.name: registry for registry in registries}
        for job in self._scheduler.get_jobs():
            if not job.id.startswith(_BESIDES) and job.id not in wanted:
                job.remove()
        for name, registry in wanted.items():
            trigger = trigger_of(registry, jitter)
            if trigger is None:
                self._remove(name)
                continue
            first = _first(registry, trigger, last.get(name), now)
            self._scheduler.add_job(
                self._run, trigger, args=[name], id=name, replace_existing=True, next_run_time=first
            )

    def every(self, name: str, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` every so many seconds besides the crawls, and in ten minutes at the latest."""
        first = datetime.now(UTC) + timedelta(seconds=min(seconds, _SOON_S))
        self._scheduler.add_job(
            work,
            IntervalTrigger(seconds=round(seconds), timezone=UTC),
            id=f"{_BESIDES}{name}",
            next_run_time=first,
            replace_existing=True,
        )

    def next_run(self, name: str) -> datetime | None:
        """Return when the registry is crawled next, None where nothing is planned."""
        job = self._scheduler.get_job(name)
        return job.next_run_time if job is not None else None

    def _remove(self, name: str) -> None:
        try:
            self._scheduler.remove_job(name)
        except JobLookupError:
            return


def _first(
    registry: RegistryConfig, trigger: BaseTrigger, last: datetime | None, now: datetime
) -> datetime | None:
    """Return the first run: at once where one was missed or none ever was."""
    if last is None:
        return now
    if registry.interval_s:
        return max(now, last + timedelta(seconds=registry.interval_s))
    due = trigger.get_next_fire_time(last, last)
    return now if due is not None and due <= now else due
