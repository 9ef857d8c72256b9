"""When registries are crawled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mfl_lint.config import RegistryConfig
from mfl_lint.core.errors import ConfigInvalid
from mfl_lint.crawl.schedule import Schedule, trigger_of

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def registry(name: str = "r", **settings: Any) -> RegistryConfig:
    return RegistryConfig(name=name, host="registry.example", **settings)


async def ran(name: str) -> None:
    raise AssertionError(f"{name} was not due")


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
    schedule = Schedule(ran)
    last = {"old": NOW - timedelta(days=2), "young": NOW - timedelta(minutes=10)}
    registries = [registry(name, interval_s=3600.0) for name in ("new", "old", "young")]
    schedule.plan(registries, jitter=0.0, last=last, now=NOW)
    assert schedule.next_run("new") == NOW
    assert schedule.next_run("old") == NOW
    assert schedule.next_run("young") == NOW + timedelta(minutes=50)


async def test_a_missed_cron_run_is_caught_up_once() -> None:
    schedule = Schedule(ran)
    last = {"r": NOW - timedelta(days=3)}
    schedule.plan([registry(cron="0 3 * * *")], jitter=0.0, last=last, now=NOW)
    assert schedule.next_run("r") == NOW


async def test_a_new_plan_replaces_the_old_one() -> None:
    schedule = Schedule(ran)
    both = [registry("a", interval_s=60.0), registry("b", interval_s=60.0)]
    schedule.plan(both, jitter=0.0, last={}, now=NOW)
    schedule.plan([registry("b")], jitter=0.0, last={}, now=NOW)
    assert schedule.next_run("a") is None
    assert schedule.next_run("b") is None
