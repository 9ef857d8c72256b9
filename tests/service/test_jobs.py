"""Jobs that fail end, and are seen."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec import structs
from procrastinate import JobContext
from procrastinate.jobs import Job, Status

from mfl_lint.config import Config
from mfl_lint.core.records import CrawlStatus
from mfl_lint.service.jobs import Hand
from mfl_lint.store import looks, round_states
from mfl_lint.store.pulse import Pulse
from mfl_lint.store.queue import LOOK, JobSpec, Queue, is_any_alive, worker_app
from tests.builders import image, index, place
from tests.fault_registry import FaultRegistry
from tests.service.fleet import Fleet, fleet_of, now

GOOD = index(image("linux", "amd64"), image("linux", "arm64"))


def job(attempts: int = 0, killed: int = 0, failed: int = 0) -> Job:
    return Job(
        id=1,
        queue="crawl",
        lock=None,
        queueing_lock=None,
        task_name="any",
        attempts=attempts,
        task_kwargs={"killed": killed, "failed": failed},
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


async def test_a_round_that_ends_is_a_line_in_the_log_of_who_ends_it(
    fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "mfl_lint")
    crawl, hand = await fleet.round_started(), hand_of(fleet)
    await hand.begin(job(), crawl.id, "here", 0)
    for slot, name in enumerate("ab"):
        await hand.crawl(job(), crawl.id, "here", slot, name)
    await hand.end(job(), crawl.id, "here")
    assert ["crawled here: 2 tags"] == [
        one.message for one in caplog.records if one.message.startswith("crawled")
    ]
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


async def test_a_repository_that_kills_its_workers_is_given_up_and_a_worker_of_another_is_not(
    fleet: Fleet,
) -> None:
    crawl, hand = await fleet.round_started(), hand_of(fleet)
    await hand.begin(job(), crawl.id, "here", 0)
    await hand.crawl(job(5, 5), crawl.id, "here", 0, "a")
    await hand.crawl(job(4, 4), crawl.id, "here", 1, "b")
    said = "a: 5 workers were killed while they were at it"
    assert (said, 2, 1) == (
        (await fleet.last()).problem,
        (await fleet.last()).repositories_done,
        (await fleet.last()).tags,
    )
    await hand.slots.close()


async def test_a_look_that_kills_its_workers_is_given_up(fleet: Fleet) -> None:
    hand = hand_of(fleet)
    await looks.request_look(fleet.store, "here", "a", "v1", now(), "webhook")
    await hand.look(job(5, 5), "here", "a", 0)
    assert () == await looks.take_looks(fleet.store, 9, now=now() + timedelta(days=1))
    await hand.slots.close()


async def test_workers_that_ended_or_were_killed_leave_a_job_that_fails_its_further_tries(
    fleet: Fleet,
) -> None:
    crawl = await fleet.round_started()

    def broken() -> Config:
        raise RuntimeError("broken")

    hand, planner = Hand(fleet.store, Queue(), broken, now), hand_of(fleet)
    await planner.begin(job(), crawl.id, "here", 0)
    for attempts, killed, failed in ((0, 0, 0), (5, 2, 0), (6, 2, 1)):
        with pytest.raises(RuntimeError):
            await hand.crawl(job(attempts, killed, failed), crawl.id, "here", 0, "a")
    await hand.crawl(job(7, 2, 2), crawl.id, "here", 0, "a")
    assert (await fleet.last()).problem.startswith("a: could not be crawled: RuntimeError")
    await planner.slots.close()


async def test_a_job_that_fails_says_so_to_whoever_does_it_next(fleet: Fleet) -> None:
    await fleet.round_started()

    def broken() -> Config:
        raise RuntimeError("broken")

    hand, pulse = Hand(fleet.store, Queue(), broken, now), Pulse(60.0)
    async with worker_app(str(fleet.config.database.url), 3, pulse).open_async() as app:
        hand.register(app, pulse)
        worker = await app.job_manager.register_worker()
        for failed in range(3):
            found = await app.job_manager.fetch_job(["crawl"], worker)
            assert found is not None
            assert failed == found.task_kwargs.get("failed", 0)
            with pytest.raises(RuntimeError):
                await app.tasks["begin"].func(
                    JobContext(app=app, job=found, start_timestamp=0.0, abort_reason=lambda: None),
                    **found.task_kwargs,
                )
            await app.job_manager.retry_job(found)


async def test_a_slot_that_a_host_has_no_more_is_asked_for_nothing(fleet: Fleet) -> None:
    (registry,) = fleet.config.registries
    one = structs.replace(registry, concurrency=1, rate=50.0)
    config = structs.replace(fleet.config, registries=(one,))
    lock = f"{registry.host}/5"
    await looks.request_look(fleet.store, "here", "a", "v1", now(), "again")
    spec = JobSpec(LOOK, {"registry": "here", "repository": "a", "slot": 5}, lock, "look/here/a", 7)
    await fleet.store.write(Queue().put, [spec])
    pulse = Pulse(60.0)
    async with worker_app(str(config.database.url), 3, pulse).open_async() as app:
        hand = hand_of(fleet, config)
        hand.register(app, pulse)
        worker = await app.job_manager.register_worker()
        found = await app.job_manager.fetch_job(["crawl"], worker)
        assert found is not None
        assert lock == found.lock
        await app.tasks[LOOK].func(
            JobContext(app=app, job=found, start_timestamp=0.0, abort_reason=lambda: None),
            **found.task_kwargs,
        )
        await app.job_manager.finish_job(found, Status.SUCCEEDED, delete_job=True)
        found = await app.job_manager.fetch_job(["crawl"], worker)
        assert found is not None
        assert (f"{registry.host}/0", "look/here/a", 7, 0) == (
            found.lock,
            found.queueing_lock,
            found.priority,
            found.task_kwargs["slot"],
        )
