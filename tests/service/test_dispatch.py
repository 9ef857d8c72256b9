"""Of several services over one database one leads; another takes over when that one is killed."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec
import psycopg
import pytest
from sqlalchemy import text

from mfl_lint.core.errors import LeadershipLost, StoreError
from mfl_lint.core.news import Routed
from mfl_lint.core.records import CrawlStatus
from mfl_lint.service.dispatch import Dispatch
from mfl_lint.service.slots import MOST_WAITING
from mfl_lint.store import crawls, leading, looks, news, rounds
from mfl_lint.store.dump import canonical_dump
from mfl_lint.store.leading import Candidate
from mfl_lint.store.looks import Wanted
from mfl_lint.store.queue import Queue
from mfl_lint.store.queue_tables import QUEUE_SCHEMA
from mfl_lint.store.statements import all_rows
from tests.builders import image, index, place
from tests.fault_registry import FaultRegistry
from tests.faults import delayed
from tests.receiver import Receiver
from tests.service.fleet import Fleet, fleet_of, now
from tests.service.services import SERVE, service

SIZE = 30
GOOD = index(image("linux", "amd64"), image("linux", "arm64"))
WRONG = index(image("linux", "amd64"), image("linux", "amd64"))


ALERTS = """
[[alert.channel]]
name = "hook"
kind = "webhook"
url = "{url}"
timeout = "1s"
[[alert.route]]
name = "team"
channels = ["hook"]
wait = "0s"
rate = 0
"""


def name_of(number: int) -> str:
    """Return the name of a repository."""
    return f"team/app{number}"


@asynccontextmanager
async def small_fleet(
    folder: Path, url: str, *, leads: bool, more: str = "", settings: str = ""
) -> AsyncIterator[tuple[Fleet, FaultRegistry]]:
    """Yield a fleet with a slow registry of some repositories."""
    async with FaultRegistry() as registry:
        registry.fault(("GET|HEAD", "/v2/"), delayed(0.02))
        for number in range(SIZE):
            place(registry.demo, name_of(number), GOOD if number % 3 else WRONG, "v1", "v2")
        hosts = [("here", registry.host, more)]
        async with fleet_of(folder, url, hosts, leads=leads, settings=settings) as fleet:
            yield fleet, registry


async def test_a_leader_that_is_killed_is_followed_and_nothing_is_lost_or_done_or_told_twice(
    count: Callable[[int], int], seed: int, fresh_postgresql: str, tmp_path: Path
) -> None:
    chance, took, broken = random.Random(seed), list[float](), set[str]()
    async with (
        Receiver() as hook,
        small_fleet(
            tmp_path,
            fresh_postgresql,
            leads=False,
            more='interval = "1s"',
            settings=SERVE + ALERTS.format(url=hook.url),
        ) as (fleet, registry),
    ):
        await fleet.hire(2)
        leader = await service(tmp_path)
        numbers = [await leader.led()]
        await fleet.first_ended()
        for number in range(count(20)):
            follower = await service(tmp_path)
            name = name_of(3 * (number % (SIZE // 3)) + 1 + number // (SIZE // 3))
            place(registry.demo, name, WRONG, "v1")
            broken.add(name)
            await asyncio.sleep(chance.uniform(0.5, 3.0))
            killed_at = time.monotonic()
            await leader.kill()
            numbers.append(await follower.led())
            took.append(time.monotonic() - killed_at)
            leader = follower
        await told_of(hook, broken)
        await leader.kill()
        await fleet.ended()
        every = (await crawls.crawls(fleet.store, "here", limit=500)).items
        assert numbers == [*range(numbers[0], numbers[0] + len(numbers))]
        assert {(CrawlStatus.DONE, "", SIZE, SIZE, 2 * SIZE)} == {
            (one.status, one.problem, one.repositories, one.repositories_done, one.tags)
            for one in every
        }
        # One after the other, never two at once.
        ordered = sorted(every, key=lambda one: one.started_at)
        ends = [one.finished_at for one in ordered]
        assert all(
            end is not None and end <= following.started_at
            for end, following in zip(ends, ordered[1:], strict=False)
        )
        believed = await canonical_dump(fleet.store)
        assert len(believed["findings"]) == len(believed["transitions"])  # type: ignore[arg-type]
        # Each piece of news is part of one message, whoever planned and sent it.
        assert {1} == set(hook.findings().values())
        doubled = hook.keys().total() - len(hook.keys())
        assert doubled <= len(took)
    told = ", ".join(f"{seconds:.2f}" for seconds in took)
    print(f"{len(took)} leaders killed over {len(every)} rounds; followed after {told} s")
    print(f"{len(hook.keys())} messages about {len(broken)} faults, {doubled} sent once more")
    assert max(took) < 10 * 3.0


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(60.0):
        while True:
            if holds():
                return
            await asyncio.sleep(0.05)


async def told_of(hook: Receiver, broken: set[str]) -> None:
    """Wait until all that broke was told: half a minute for what was being sent at a kill."""
    async with asyncio.timeout(240.0):
        while not broken <= repositories_in(hook):
            hook.heard.clear()
            await hook.heard.wait()


def repositories_in(hook: Receiver) -> set[str]:
    """Return the repositories that messages tell of."""
    events = (msgspec.json.decode(got.body) for got in hook.taken)
    return {item["repository"] for event in events for item in event["data"]["items"]}


@pytest.mark.ordeal
async def test_a_leader_that_was_paused_writes_nothing_once_another_leads(
    fresh_postgresql: str, tmp_path: Path
) -> None:
    async with small_fleet(tmp_path, fresh_postgresql, leads=False) as (fleet, _):
        first, second = (Candidate(fresh_postgresql, name) for name in ("first", "second"))
        fence = await asyncio.to_thread(first.ask, now())
        assert fence == 1
        assert await asyncio.to_thread(second.ask, now()) is None
        paused_at = time.monotonic()
        new = None
        # Asking keeps the second one's connection; the first one gives no sign of life.
        for _ in range(600):
            new = await asyncio.to_thread(second.ask, now())
            if new is not None:
                break
            await asyncio.sleep(0.1)
        took = time.monotonic() - paused_at
        assert new == 2
        place_ = ("here", "host", 1)
        with pytest.raises(LeadershipLost, match="another service leads now"):
            await rounds.open_round(fleet.store, Queue(), fence, place_, now())
        with pytest.raises(LeadershipLost):
            await rounds.mend_rounds(fleet.store, Queue(), fence)
        stale = fleet.store.checked(partial(leading.check_leads, fence=fence))
        with pytest.raises(LeadershipLost):
            await news.route_news(stale, lambda _: Routed(), now(), window_s=1.0)
        assert () == (await crawls.crawls(fleet.store)).items
        for candidate in (first, second):
            await asyncio.to_thread(candidate.close)
    print(f"a paused leader was followed after {took:.1f} s")
    assert leading.SILENCE_S <= took + 1.0
    assert took < 10 * leading.SILENCE_S


async def test_a_service_that_cannot_plan_when_it_begins_to_lead_does_so_a_moment_later(
    fresh_postgresql: str, tmp_path: Path
) -> None:
    async with small_fleet(tmp_path, fresh_postgresql, leads=False) as (fleet, _):
        planned, failures = asyncio.Event(), [StoreError("the database is gone"), ValueError("odd")]

        async def plan() -> None:
            if failures:
                raise failures.pop()
            planned.set()

        dispatch = Dispatch(fleet.store, fresh_postgresql, lambda: fleet.config, now, plan)
        running = asyncio.create_task(dispatch.run())
        async with asyncio.timeout(60.0):
            await planned.wait()
        assert await dispatch.crawl("here")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert dispatch.fence is None


@pytest.mark.ordeal
async def test_a_service_whose_database_says_nothing_leads_no_more_and_ends_when_it_is_told_to(
    fresh_postgresql: str, tmp_path: Path
) -> None:
    async with small_fleet(tmp_path, fresh_postgresql, leads=False) as (fleet, _):

        async def plan() -> None:
            return None

        dispatch = Dispatch(fleet.store, fresh_postgresql, lambda: fleet.config, now, plan)
        running = asyncio.create_task(dispatch.run())
        await until(lambda: dispatch.fence is not None)
        named = text("SELECT pid FROM pg_stat_activity WHERE application_name = 'mfl-lint leader'")
        silent = [row.pid for row in await fleet.store.read(all_rows, named)]
        assert 1 == len(silent)
        os.kill(silent[0], signal.SIGSTOP)
        try:
            await until(lambda: dispatch.fence is None)
            running.cancel()
            async with asyncio.timeout(60.0):
                await asyncio.gather(running, return_exceptions=True)
        finally:
            os.kill(silent[0], signal.SIGCONT)


@pytest.mark.ordeal
async def test_a_leader_that_waits_for_a_row_leads_meanwhile(
    fresh_postgresql: str, tmp_path: Path
) -> None:
    async with small_fleet(tmp_path, fresh_postgresql, leads=True) as (fleet, _):
        await fleet.begin()
        fence, until = fleet.dispatch.fence, time.monotonic() + 1.5 * leading.SILENCE_S
        assert fence is not None
        with psycopg.connect(fresh_postgresql) as other:
            other.execute(f"LOCK TABLE {QUEUE_SCHEMA}.rounds".encode())
            while time.monotonic() < until:
                assert fence == fleet.dispatch.fence
                await asyncio.sleep(0.1)
        await fleet.hire(1)
        assert CrawlStatus.DONE is (await fleet.ended()).status
        assert fence == fleet.dispatch.fence


async def test_a_look_that_is_asked_for_goes_before_what_is_scheduled(
    fresh_postgresql: str, tmp_path: Path
) -> None:
    async with small_fleet(tmp_path, fresh_postgresql, leads=True) as (fleet, _):
        assert (await fleet.round_started()).status is CrawlStatus.RUNNING
        await looks.request_look(fleet.store, "here", "team/app7", "v1", now(), "asked")
        waiting = await fleet.waiting()
        assert ("look", 100) == waiting[0]
        assert {("begin", 0)} == {*waiting[1:]}
        # Again, while it waits: the same job does it.
        await looks.request_look(fleet.store, "here", "team/app7", "v2", now(), "asked")
        assert waiting == await fleet.waiting()
        await fleet.hire(1)
        await fleet.ended()
        assert () == await looks.pending_looks(fleet.store)


async def test_of_looks_by_the_thousand_so_many_wait_in_the_queue_and_none_is_lost(
    fresh_postgresql: str, tmp_path: Path
) -> None:
    hosts = [("here", "localhost:1", "")]
    async with fleet_of(tmp_path, fresh_postgresql, hosts, leads=False) as fleet:
        wait = []
        for reason in (looks.HOT, "webhook"):
            for part in range(3):
                wanted = [Wanted("here", f"{reason}/{part}/{at}", "v1") for at in range(400)]
                await looks.request_looks(fleet.store, wanted, now(), reason)
            wait.append(len(await fleet.waiting()))
        assert [MOST_WAITING, 2 * MOST_WAITING] == wait
        assert 2400 == len(await looks.pending_looks(fleet.store, limit=5000))
