"""When registries are crawled."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from mfl_lint.config import HotConfig, MaintenanceConfig, RegistryConfig
from mfl_lint.core.errors import ConfigInvalid
from mfl_lint.crawl.schedule import Schedule, trigger_of

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def registry(name: str = "r", **settings: Any) -> RegistryConfig:
    return RegistryConfig(name=name, host="registry.example", **settings)


async def ran(name: str) -> None:
    raise AssertionError(f"{name} was not due")


async def ran_hot(name: str, number: int) -> None:
    raise AssertionError(f"{number} of {name} was not due")


def test_a_registry_without_cron_and_interval_is_never_due() -> None:
    assert trigger_of(registry(), 0.1) is None


def test_a_cron_line_is_read_in_utc() -> None:
    trigger = trigger_of(registry(cron="30 3 * * *"), 0.0)
    assert trigger is not None
    due = trigger.get_next_fire_time(None, NOW)
    assert due == datetime(2026, 3, 2, 3, 30, tzinfo=UTC)


def test_a_bad_cron_line_is_named_with_its_registry() -> None:
    with pytest.raises(ConfigInvalid, match="registry r: cron '99 3"):
        trigger_of(registry(cron="99 3 * * *"), 0.0)


def test_an_interval_varies_by_its_jitter_and_no_more() -> None:
    trigger = trigger_of(registry(interval_s=3600.0), 0.1)
    assert trigger is not None
    due = trigger.get_next_fire_time(NOW, NOW)
    assert due is not None
    assert timedelta(seconds=3600 - 361) <= due - NOW <= timedelta(seconds=3600 + 361)


async def test_a_registry_that_was_never_crawled_or_is_overdue_is_due_at_once() -> None:
    schedule = Schedule(ran, ran_hot, lambda: NOW)
    last = {"old": NOW - timedelta(days=2), "young": NOW - timedelta(minutes=10)}
    registries = [registry(name, interval_s=3600.0) for name in ("new", "old", "young")]
    schedule.plan(registries, jitter=0.0, last=last, now=NOW)
    assert schedule.next_run("new") == NOW
    assert schedule.next_run("old") == NOW
    assert schedule.next_run("young") == NOW + timedelta(minutes=50)


async def test_a_missed_cron_run_is_caught_up_once() -> None:
    schedule = Schedule(ran, ran_hot, lambda: NOW)
    last = {"r": NOW - timedelta(days=3)}
    schedule.plan([registry(cron="0 3 * * *")], jitter=0.0, last=last, now=NOW)
    assert schedule.next_run("r") == NOW


async def test_a_new_plan_replaces_the_old_one() -> None:
    schedule = Schedule(ran, ran_hot, lambda: NOW)
    both = [registry("a", interval_s=60.0), registry("b", interval_s=60.0)]
    schedule.plan(both, jitter=0.0, last={}, now=NOW)
    schedule.plan([registry("b")], jitter=0.0, last={}, now=NOW)
    assert schedule.next_run("a") is None
    assert schedule.next_run("b") is None


async def test_what_is_done_besides_comes_soon_and_stays_when_crawls_are_planned_anew() -> None:
    runs = Runs(at=datetime.now(UTC) - timedelta(seconds=600))
    runs.schedule.every("retention", 86400.0, partial(runs._run, "retention"))
    assert ["retention"] == await runs.settled({})


WHOLE_DAY = tuple(MaintenanceConfig("00:00", "00:00", (day,)) for day in ("sun", "mon"))


class Runs:
    """A schedule by the real clock, which says what it ran."""

    def __init__(self, *registries: RegistryConfig, at: datetime | None = None) -> None:
        self.now = at or datetime.now(UTC)
        self.ran: list[str] = []
        self.enough = asyncio.Event()
        self.schedule = Schedule(self._run, self._hot, lambda: self.now)
        self.registries = registries

    async def _run(self, name: str) -> None:
        self.ran.append(name)
        self.enough.set()

    async def _hot(self, name: str, number: int) -> None:
        await self._run(f"{name}/{number}")

    async def settled(self, last: Mapping[str, datetime]) -> list[str]:
        """Plan and start; return what ran before something that is due a moment later did."""
        now = datetime.now(UTC)
        self.schedule.plan(self.registries, jitter=0.0, last=last, now=now)
        self.schedule.start()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(0.3):
                    await self.enough.wait()
                    await asyncio.sleep(0.1)
        finally:
            self.schedule.stop()
        return self.ran


@pytest.mark.parametrize("settings", [{"interval_s": 3600.0}, {"cron": "0 * * * *"}])
async def test_ten_runs_that_were_missed_while_nothing_ran_are_caught_up_once(
    settings: dict[str, Any],
) -> None:
    runs = Runs(registry(**settings))
    assert ["r"] == await runs.settled({"r": runs.now - timedelta(hours=10)})
    due = runs.schedule.next_run("r")
    assert due is not None
    assert runs.now < due <= runs.now + timedelta(hours=1, seconds=5)


async def test_ten_runs_that_were_missed_while_the_machine_slept_are_caught_up_once() -> None:
    runs = Runs(registry(interval_s=3600.0))
    asleep = runs.now - timedelta(hours=10)
    runs.schedule.plan(runs.registries, jitter=0.0, last={"r": asleep}, now=asleep)
    assert asleep + timedelta(hours=1) == runs.schedule.next_run("r")
    runs.schedule.start()
    async with asyncio.timeout(10):
        await runs.enough.wait()
    await asyncio.sleep(0.1)
    runs.schedule.stop()
    assert ["r"] == runs.ran


async def test_in_a_window_nothing_runs_and_what_was_missed_comes_once_at_its_end() -> None:
    sunday = datetime(2035, 3, 4, 12, tzinfo=UTC)
    hot = (HotConfig(10.0),)
    runs = Runs(registry(interval_s=600.0, maintenance=WHOLE_DAY, hot=hot), at=sunday)
    ends = datetime(2035, 3, 6, tzinfo=UTC)
    assert [] == await runs.settled({})
    assert ends == runs.schedule.next_run("r")
    # A new start in the window plans the same.
    again = Runs(*runs.registries, at=sunday + timedelta(hours=20))
    assert [] == await again.settled({"r": datetime.now(UTC) - timedelta(days=2)})
    assert ends == again.schedule.next_run("r")
    # After it, it runs.
    after = Runs(*runs.registries, at=ends)
    assert ["r"] == await after.settled({"r": datetime.now(UTC) - timedelta(days=2)})


async def test_a_window_without_an_end_puts_off_for_ever() -> None:
    always = (MaintenanceConfig("00:00", "00:00"),)
    runs = Runs(registry(interval_s=600.0, maintenance=always))
    assert [] == await runs.settled({})
    assert None is runs.schedule.next_run("r")


async def test_what_is_hot_has_an_interval_of_its_own() -> None:
    schedule = Schedule(ran, ran_hot, lambda: NOW)
    hot = (HotConfig(60.0, tags=("latest",)), HotConfig(300.0))
    schedule.plan([registry(hot=hot)], jitter=0.0, last={}, now=NOW)
    assert None is schedule.next_run("r")
    assert NOW + timedelta(minutes=1) == schedule.next_run("r/0")
    assert NOW + timedelta(minutes=5) == schedule.next_run("r/1")
    schedule.plan([registry(hot=hot[:1])], jitter=0.0, last={}, now=NOW)
    assert None is schedule.next_run("r/1")
