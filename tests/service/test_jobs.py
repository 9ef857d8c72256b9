"""Jobs that fail end, and are seen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from procrastinate.jobs import Job

from mfl_lint.config import Config
from mfl_lint.core.records import CrawlStatus
from mfl_lint.service.jobs import Hand
from mfl_lint.store import round_states
from mfl_lint.store.queue import Queue, is_any_alive
from tests.builders import image, index, place
from tests.fault_registry import FaultRegistry
from tests.service.fleet import Fleet, fleet_of, now

GOOD = index(image("linux", "amd64"), image("linux", "arm64"))


def job(attempts: int = 0) -> Job:
    return Job(
        id=1, queue="crawl", lock=None, queueing_lock=None, task_name="any", attempts=attempts
    )


@pytest.fixture
async def fleet(fresh_postgresql: str, tmp_path: Path) -> AsyncIterator[Fleet]:
    async with FaultRegistry() as registry:
        for name in "ab":
            place(registry.demo, name, GOOD, "v1")
        hosts = [("here", registry.host, "")]
        async with fleet_of(tmp_path, fresh_postgresql, hosts) as made:
            yield made


def hand_of(fleet: Fleet, config: Config | None = None) -> Hand:
    """Return a hand that knows the fleet's settings, or others."""
    return Hand(fleet.store, Queue(), lambda: config or fleet.config, now)


async def test_a_worker_whose_settings_know_no_such_registry_says_so_on_the_crawls_page(
    fleet: Fleet,
) -> None:
    crawl = await fleet.round_started()
    stranger = hand_of(fleet, Config())
    await stranger.begin(job(), crawl.id, "here", 0)
    assert (CrawlStatus.FAILED, "the settings of this worker know no registry here") == (
        (await fleet.last()).status,
        (await fleet.last()).problem,
    )
    assert None is await round_states.running(fleet.store, crawl.id)


async def test_a_repository_that_cannot_be_crawled_is_the_crawls_problem_and_the_round_goes_on(
    fleet: Fleet,
) -> None:
    crawl, stranger, hand = await fleet.round_started(), hand_of(fleet, Config()), hand_of(fleet)
    await hand.begin(job(), crawl.id, "here", 0)
    for _ in range(2):  # a job that comes twice ends once
        await stranger.crawl(job(), crawl.id, "here", 0, "a")
    assert "a: the settings of this worker know no registry here" == (await fleet.last()).problem
    await hand.crawl(job(), crawl.id, "here", 1, "b")
    await hand.end(job(), crawl.id, "here")
    ended = await fleet.last()
    assert (CrawlStatus.DONE, 2, 1) == (ended.status, ended.repositories_done, ended.tags)
    assert (
        "1 of 2 repositories could not be looked at; "
        "a: the settings of this worker know no registry here"
    ) == ended.problem
    await hand.slots.close()


async def test_jobs_of_a_round_that_something_else_has_broken_off_do_nothing(fleet: Fleet) -> None:
    crawl, hand = await fleet.round_started(), hand_of(fleet)
    await fleet.interrupt()
    await hand.begin(job(), crawl.id, "here", 0)
    await hand.crawl(job(), crawl.id, "here", 0, "a")
    await hand.end(job(), crawl.id, "here")
    assert CrawlStatus.INTERRUPTED is (await fleet.last()).status
    assert 0 == (await fleet.last()).requests


async def test_a_crawl_that_no_worker_is_at_says_so_on_the_crawls_page(fleet: Fleet) -> None:
    crawl = await fleet.round_started()
    shown = fleet.dispatch.live()
    async with asyncio.timeout(60.0):
        while not shown:
            await asyncio.sleep(0.05)
            shown = fleet.dispatch.live()
    said = "no worker gives a sign of life: start `mfl-lint worker`"
    assert [(crawl.id, said)] == [(one.id, one.problem) for one in shown]
    assert not await is_any_alive(fleet.store, 60.0)
    await fleet.hire(1)
    assert (CrawlStatus.DONE, "") == ((ended := await fleet.ended()).status, ended.problem)
    assert await is_any_alive(fleet.store, 60.0)
