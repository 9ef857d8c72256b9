"""A crawl that is killed at any moment goes on, and ends as if nothing had happened."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest

from mfl_lint.store.dump import canonical_dump
from mfl_lint.store.engine import open_store
from mfl_lint.store.migrate import upgrade
from tests import faults
from tests.builders import attestation, image, index, place
from tests.fault_registry import FaultRegistry
from tests.postgresql import fresh_database
from tests.store.conftest import DATABASES

ROOT: Final = Path(__file__).parents[2]
AMD64, ARM64, PPC = (image("linux", arch) for arch in ("amd64", "arm64", "ppc64le"))
GOOD = index(AMD64, ARM64, PPC)
OTHER = image("linux", "amd64", name="other")
WRONG = index(AMD64, OTHER, annotate={1: {"platform": "linux/arm64"}})
NewUrl = Callable[[str], str]
# In each of the two states of a round.
ROUND_KILLS: Final = 25


def fill(registry: FaultRegistry, size: int) -> None:
    """Push good and broken lists, names that say platforms, and one repository of many slices.

    Of a `size` of 40 that is 62 repositories.
    """
    demo = registry.demo
    for number in range(size):
        own = image("linux", "arm64", name=f"own {number}")
        place(demo, f"team/app{number}", GOOD, "v1", "latest")
        place(demo, f"team/app{number}", index(AMD64, own, attestation(own)), "v2", "v2.0")
        place(demo, f"team/app{number}", WRONG if number % 3 else index(AMD64, AMD64), "v3")
        place(demo, f"team/app{number}", index(AMD64, own, PPC), "v4")
        if number % 4 == 0:
            demo.delete_manifest(f"team/app{number}", own.digest)
        if number % 5 == 0:
            place(demo, f"team/app{number}", image("linux", "arm", "v7"), "by-hand")
    for number in range(size // 4):
        place(demo, f"tool{number}-amd64", AMD64, "v1", "latest")
        place(demo, f"tool{number}-arm64", OTHER if number % 2 else ARM64, "v1", "latest")
    place(demo, "ppc64le/tool", PPC, "v1")
    for number in range(110 + 3 * size):
        place(demo, "large", GOOD if number % 7 else WRONG, f"v{number}")
    place(demo, "large", AMD64, "v1-amd64")


def change(registry: FaultRegistry, size: int) -> None:
    """Mend some, break some, delete some, push new ones."""
    demo = registry.demo
    for number in range(0, size, 2):
        place(demo, f"team/app{number}", GOOD, "v3")
        place(demo, f"team/app{number}", WRONG, "v1")
        place(demo, f"team/app{number}", index(PPC, PPC), "v5")
    for number in range(0, size, 7):
        demo.delete_manifest(f"team/app{number}", "v2.0")
        demo.delete_manifest(f"team/app{number}", "v3")
    for number in range(size // 4):
        place(demo, f"tool{number}-arm64", ARM64, "v1", "latest")
    place(demo, "tool0", GOOD, "v1", "latest")
    for number in range(0, 110, 10):
        place(demo, "large", AMD64, f"v{number}")
    place(demo, "large", ARM64, "v1-arm64")


class Crawls:
    """Crawls in processes of their own, of one database after the other."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def to_the_end(self, url: str) -> float:
        """Crawl undisturbed; return the seconds that it took."""
        began = time.monotonic()
        await self.start(url)
        assert 0 == await self.ended()
        return time.monotonic() - began

    async def killed_after(self, url: str, seconds: float, processes: int = 1) -> bool:
        """Crawl, and kill the process after so long; say whether it was still at it.

        Those that help it, where it has `processes`, are left to notice.
        """
        child = await self.start(url, processes)
        ended = asyncio.ensure_future(self.ended())
        await asyncio.wait([ended], timeout=seconds)
        if not ended.done():
            os.kill(child, signal.SIGKILL)
        code = await ended
        assert code in (0, -signal.SIGKILL)
        return code != 0

    async def start(self, url: str, processes: int = 1) -> int:
        """Begin a crawl; return its process's number."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{processes} {url}\n".encode())
        return await self.ended()

    async def ended(self) -> int:
        """Return how the last crawl ended."""
        assert self._process.stdout is not None
        return int(await self._process.stdout.readline())


@asynccontextmanager
async def crawls_of(host: str) -> AsyncIterator[Crawls]:
    """Yield what crawls the registry at the host."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.crawl.crawl_process", host),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Crawls(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


async def dumped(url: str) -> dict[str, object]:
    async with open_store(url) as store:
        return await canonical_dump(store)


async def crawled_twice(crawls: Crawls, url: str) -> None:
    """Crawl to the end, and once more: what a gone tag changes beside it is judged by then."""
    await crawls.to_the_end(url)
    await crawls.to_the_end(url)


async def killed_often(
    crawls: Crawls, url: str, times: int, chance: random.Random, took: float
) -> int:
    """Crawl and kill so many times, at random moments of a crawl that took so many seconds."""
    killed = tries = 0
    # What was written stays: the later crawls are shorter, and may end before they are killed.
    while killed < times and tries < 3 * times:
        longest = took * (0.4 if tries < times else 0.1)
        seconds, processes = chance.uniform(0.02, longest), chance.choice((1, 1, 2))
        killed += await crawls.killed_after(url, seconds, processes)
        tries += 1
    return killed


@pytest.fixture(params=DATABASES)
def wild_url(
    request: pytest.FixtureRequest, empty_database: Path, tmp_path: Path
) -> Iterator[NewUrl]:
    """Yield what makes a database of a name, in which crawls are killed."""
    there = request.param == "postgresql"
    cluster = request.getfixturevalue("postgresql_url") if there else ""
    with ExitStack() as stack:

        def made(name: str) -> str:
            if not there:
                return f"sqlite:///{shutil.copy(empty_database, tmp_path / name)}"
            url = stack.enter_context(fresh_database(cluster, f"{name}_{uuid4().hex[:8]}"))
            upgrade(url)
            return url

        yield made


@pytest.mark.ordeal("postgresql")
async def test_kills_at_random_moments_change_nothing_of_what_is_believed(
    count: Callable[[int], int],
    seed: int,
    empty_database: Path,
    tmp_path: Path,
    wild_url: NewUrl,
) -> None:
    chance = random.Random(seed)
    wanted, killed, rounds = count(300), 0, 0
    size = max(8, count(40))

    while killed < wanted:
        rounds += 1
        times = min(ROUND_KILLS, (wanted - killed + 1) // 2)
        async with FaultRegistry() as registry, crawls_of(registry.host) as crawls:
            fill(registry, size)
            repositories = len(registry.demo.repositories())
            calm = f"sqlite:///{shutil.copy(empty_database, tmp_path / f'calm{rounds}.db')}"
            wild = wild_url(f"wild{rounds}")
            took = await crawls.to_the_end(calm)
            await crawls.to_the_end(calm)
            expected = await dumped(calm)
            killed += await killed_often(crawls, wild, times, chance, took)
            await crawled_twice(crawls, wild)
            assert expected == await dumped(wild)
            change(registry, size)
            took = await crawls.to_the_end(calm)
            await crawls.to_the_end(calm)
            after = await dumped(calm)
            assert {"opened", "resolved", "worsened", "eased"} >= kinds(after) - kinds(expected)
            assert "resolved" in kinds(after)
            killed += await killed_often(crawls, wild, times, chance, took)
            await crawled_twice(crawls, wild)
            assert after == await dumped(wild)
        print(f"{killed} kills after {rounds} rounds of two states, {repositories} repositories")


def kinds(dump: dict[str, object]) -> set[str]:
    transitions = dump["transitions"]
    assert isinstance(transitions, list)
    return {change for _, _, change in transitions}


async def test_the_next_start_takes_over_at_once_what_a_killed_process_held(
    empty_database: Path, tmp_path: Path
) -> None:
    url = f"sqlite:///{shutil.copy(empty_database, tmp_path / 'held.db')}"
    release = asyncio.Event()
    async with FaultRegistry() as registry, crawls_of(registry.host) as crawls:
        place(registry.demo, "app", WRONG, "v1")
        stuck = registry.fault(("HEAD", "/app/manifests/v1"), faults.held(release))
        child = await crawls.start(url)
        while not stuck.met:
            await registry.arrived(len(registry.requests) + 1)
        os.kill(child, signal.SIGKILL)
        assert -signal.SIGKILL == await crawls.ended()
        release.set()
        registry.heal()
        await crawls.to_the_end(url)
    tags = (await dumped(url))["tags"]
    assert [["here", "app", "v1", WRONG.digest, False]] == tags
