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
from mfl_lint.core.windows import Window, any_open, closes_at

_MAX_JITTER_S: Final = 600.0
_BESIDES: Final = "besides:"
_SOON_S: Final = 600.0

Run = Callable[[str], Awaitable[None]]
RunHot = Callable[[str, int], Awaitable[None]]


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
        return _every(registry.interval_s, jitter)
    return None


def _every(seconds: float, jitter: float) -> BaseTrigger:
    late = round(min(seconds * jitter, _MAX_JITTER_S))
    return IntervalTrigger(seconds=round(seconds) or 1, jitter=late, timezone=UTC)


class Schedule:
    """The plan of one process. `run` crawls the registry of that name.

    `hot` looks at what is hot of a registry, by its number there. In a registry's maintenance
    windows neither is called; a crawl that would be due comes when they end, once.
    """

    def __init__(self, run: Run, hot: RunHot, now: Callable[[], datetime]) -> None:
        self._run = run
        self._hot = hot
        self._now = now
        self._windows: dict[str, tuple[Window, ...]] = {}
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
        self._windows = {
            name: tuple(one.window() for one in registry.maintenance)
            for name, registry in wanted.items()
        }
        for job in self._scheduler.get_jobs():
            if not job.id.startswith(_BESIDES) and job.id not in wanted:
                job.remove()
        for name, registry in wanted.items():
            self._plan_hot(registry, jitter)
            trigger = trigger_of(registry, jitter)
            if trigger is None:
                self._remove(name)
                continue
            first = _first(registry, trigger, last.get(name), now)
            self._add(self._due, trigger, name, (name,), first)

    def every(self, name: str, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` every so many seconds besides the crawls, and in ten minutes at the latest."""
        trigger = IntervalTrigger(seconds=round(seconds), timezone=UTC)
        first = self._now() + timedelta(seconds=min(seconds, _SOON_S))
        self._add(work, trigger, f"{_BESIDES}{name}", (), first)

    def _plan_hot(self, registry: RegistryConfig, jitter: float) -> None:
        for number, hot in enumerate(registry.hot):
            trigger = _every(hot.interval_s, jitter)
            place = (registry.name, number)
            first = self._now() + timedelta(seconds=hot.interval_s)
            self._add(self._due_hot, trigger, f"{registry.name}/{number}", place, first)

    def _add(
        self,
        work: Callable[..., Awaitable[None]],
        trigger: BaseTrigger,
        key: str,
        about: tuple[object, ...],
        first: datetime | None,
    ) -> None:
        self._scheduler.add_job(
            work, trigger, args=about, id=key, replace_existing=True, next_run_time=first
        )

    async def _due(self, name: str) -> None:
        """Crawl, or put that off until the window's end: for ever where it has none."""
        now = self._now()
        ends = closes_at(self._windows.get(name, ()), now)
        if ends is not None and ends <= now:
            await self._run(name)
        elif self._scheduler.get_job(name) is not None:
            self._scheduler.modify_job(name, next_run_time=ends)

    async def _due_hot(self, name: str, number: int) -> None:
        if not any_open(self._windows.get(name, ()), self._now()):
            await self._hot(name, number)

    def next_run(self, name: str) -> datetime | None:
        """Return when the registry is crawled next, None where nothing is planned."""
        job = self._scheduler.get_job(name)
        if job is None or job.next_run_time is None:
            return None
        return closes_at(self._windows.get(name, ()), job.next_run_time)

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
