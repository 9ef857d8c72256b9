"""Of several services over one database one leads; another takes over when that one is killed."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mfl_lint.core.errors import LeadershipLost
from mfl_lint.core.records import CrawlStatus
from mfl_lint.store import crawls, leading, looks, rounds
from mfl_lint.store.dump import canonical_dump
from mfl_lint.store.leading import Candidate
from mfl_lint.store.queue import Queue
from tests.builders import image, index, place
from tests.fault_registry import FaultRegistry
from tests.faults import delayed
from tests.service.fleet import ROOT, Fleet, fleet_of, now

GOOD = index(image("linux", "amd64"), image("linux", "arm64"))
WRONG = index(image("linux", "amd64"), image("linux", "amd64"))


class Service:
    """A process that leads or waits to. `led_at` is when it began to lead."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def led(self) -> int:
        """Return the number of its leadership once it leads."""
        assert self.process.stdout is not None
        async with asyncio.timeout(240.0):
            return int(await self.process.stdout.readline())

    async def kill(self) -> None:
        """Kill it at once."""
        os.kill(self.process.pid, signal.SIGKILL)
        await self.process.wait()


async def service(folder: Path) -> Service:
    """Start a service that has all crawled every 300 ms."""
    command = ("-m", "tests.service.leader_process", str(folder / "fleet.toml"), "0.3")
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    return Service(process)


@asynccontextmanager
async def small_fleet(folder: Path, url: str, *, leads: bool) -> AsyncIterator[Fleet]:
    """Yield a fleet with a slow registry of twelve repositories."""
    async with FaultRegistry() as registry:
        registry.fault(("GET|HEAD", "/v2/"), delayed(0.02))
        for number in range(12):
            place(registry.demo, f"team/app{number}", GOOD if number % 3 else WRONG, "v1", "v2")
        hosts = [("here", registry.host, "")]
        async with fleet_of(folder, url, hosts, leads=leads) as fleet:
            yield fleet


async def test_a_leader_that_is_killed_is_followed_and_no_job_is_lost_or_done_twice(
    count: Callable[[int], int], seed: int, fresh_postgresql: str, tmp_path: Path
) -> None:
    chance, took = random.Random(seed), list[float]()
    async with small_fleet(tmp_path, fresh_postgresql, leads=False) as fleet:
        await fleet.hire(2)
        leader = await service(tmp_path)
        numbers = [await leader.led()]
        for _ in range(count(20)):
            follower = await service(tmp_path)
            await asyncio.sleep(chance.uniform(1.5, 3.0))
            killed_at = time.monotonic()
            await leader.kill()
            numbers.append(await follower.led())
            took.append(time.monotonic() - killed_at)
            leader = follower
        await leader.kill()
        await fleet.ended()
        every = (await crawls.crawls(fleet.store, "here", limit=500)).items
        assert numbers == [*range(numbers[0], numbers[0] + len(numbers))]
        assert {(CrawlStatus.DONE, "", 12, 12, 24)} == {
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
    told = ", ".join(f"{seconds:.2f}" for seconds in took)
    print(f"{len(took)} leaders killed over {len(every)} rounds; followed after {told} s")
    assert max(took) < 10 * 3.0


async def test_a_leader_that_was_paused_writes_nothing_once_another_leads(
    fresh_postgresql: str, tmp_path: Path
) -> None:
    async with small_fleet(tmp_path, fresh_postgresql, leads=False) as fleet:
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
        assert () == (await crawls.crawls(fleet.store)).items
        for candidate in (first, second):
            await asyncio.to_thread(candidate.close)
    print(f"a paused leader was followed after {took:.1f} s")
    assert leading.SILENCE_S <= took + 1.0
    assert took < 10 * leading.SILENCE_S


async def test_a_look_that_is_asked_for_goes_before_what_is_scheduled(
    fresh_postgresql: str, tmp_path: Path
) -> None:
    async with small_fleet(tmp_path, fresh_postgresql, leads=True) as fleet:
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
