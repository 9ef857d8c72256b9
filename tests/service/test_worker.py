"""Workers crawl as the service itself does, whoever is killed meanwhile."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
import pytest
from sqlalchemy import select

from mfl_lint.config import DatabaseConfig, QueueConfig
from mfl_lint.core.records import CrawlStatus
from mfl_lint.demo.build import Built
from mfl_lint.service.crawling import crawl_once
from mfl_lint.store import looks, migrate
from mfl_lint.store.dump import canonical_dump
from mfl_lint.store.looks import Wanted
from mfl_lint.store.statements import all_rows
from mfl_lint.store.tables import look_requests
from tests.builders import image, index, place
from tests.conftest import StartRegistry
from tests.crawl.test_kill import change, crawls_of, dumped, fill
from tests.fault_registry import FaultRegistry
from tests.faults import delayed
from tests.servers import DockerRegistry, push
from tests.service.fleet import CONCURRENCY, Fleet, fleet_of, now

SIZE: Final = 8
KINDS: Final = 12
_ASKED: Final = select(look_requests.c.id)
NAMES: Final = ("docker", "slow")


@pytest.mark.ordeal
async def test_one_worker_believes_what_the_service_would(
    fresh_postgresql: str, tmp_path: Path
) -> None:
    calm = f"sqlite:///{tmp_path / 'calm.db'}"
    migrate.upgrade(calm)
    async with (
        FaultRegistry() as registry,
        crawls_of(registry.host) as crawls,
        fleet_of(tmp_path, fresh_postgresql, [("here", registry.host, "")]) as fleet,
    ):
        await fleet.hire(1)
        for prepare in (fill, change):
            prepare(registry, SIZE)
            for _ in range(2):
                await crawls.to_the_end(calm)
                crawl = await fleet.round()
                assert (CrawlStatus.DONE, "") == (crawl.status, crawl.problem)
                assert crawl.repositories == crawl.repositories_done
            assert await dumped(calm) == await canonical_dump(fleet.store)


def tags_of(number: int) -> dict[str, Built]:
    """Return what a repository of that number holds: good lists and broken ones."""
    amd64, arm64 = (image("linux", arch, name=f"kind {number % 5}") for arch in ("amd64", "arm64"))
    lists = {"v1": index(amd64, arm64), "latest": index(amd64, arm64)}
    if number % 3 == 0:
        lists["v2"] = index(amd64, amd64)
    if number % 4 == 0:
        lists["v3"] = index(amd64, arm64, annotate={1: {"platform": "linux/s390x"}})
    return lists


async def fill_docker(registry: DockerRegistry, number: int) -> None:
    """Push some kinds of repositories, and copy their folders."""
    below = registry.folder / "storage/docker/registry/v2/repositories"
    for at in range(number):
        name = f"team/app{at}"
        if at < KINDS:
            for tag, built in tags_of(at).items():
                await push(registry.host, name, built, tag)
        else:
            shutil.copytree(below / f"team/app{at % KINDS}", below / name)


async def kill_some(fleet: Fleet, chance: random.Random, times: int) -> int:
    """Kill a worker every now and then while anything is crawled, and hire another one."""
    killed = 0
    while killed < times and await is_crawled(fleet):
        await asyncio.sleep(chance.uniform(0.2, 1.2))
        if await is_crawled(fleet):
            await fleet.kill(chance.choice(fleet.workers))
            killed += 1
            await fleet.hire(1)
    return killed


async def is_crawled(fleet: Fleet) -> bool:
    """Say whether a round is under way."""
    last = [await fleet.last(name) for name in NAMES]
    return any(one.status is CrawlStatus.RUNNING for one in last)


async def test_workers_that_are_killed_lose_and_double_nothing(
    count: Callable[[int], int],
    seed: int,
    fresh_postgresql: str,
    docker_registry: StartRegistry,
    tmp_path: Path,
) -> None:
    chance, wanted, each = random.Random(seed), count(50), count(1000)
    docker = docker_registry()
    await fill_docker(docker, each)
    async with FaultRegistry() as slow:
        slow.fault(("GET|HEAD", "/v2/"), delayed(0.02))
        for number in range(each):
            for tag, built in tags_of(number).items():
                place(slow.demo, f"slow/app{number}", built, tag)
        hosts = [("docker", docker.host, ""), ("slow", slow.host, "")]
        async with fleet_of(tmp_path, fresh_postgresql, hosts) as fleet:
            calm = await crawled_calmly(fleet, f"sqlite:///{tmp_path / 'calm.db'}")
            await fleet.hire(3)
            killed, rounds, listed = 0, 0, Counter[str]()
            while killed < wanted or rounds < 2:
                slow.requests.clear()
                for name in NAMES:
                    await fleet.begin(name)
                killed_now = await kill_some(fleet, chance, wanted - killed)
                killed, rounds = killed + killed_now, rounds + 1
                for name in NAMES:
                    crawl = await fleet.ended(name)
                    assert (CrawlStatus.DONE, "") == (crawl.status, crawl.problem)
                    assert (each, each) == (crawl.repositories, crawl.repositories_done)
                listed = Counter(one.path for one in slow.matching("GET", "/tags/list"))
                assert each == len(listed)
                assert listed.total() - each <= killed_now * CONCURRENCY
            assert calm == await canonical_dump(fleet.store)
    print(f"{killed} kills over {rounds} rounds of {2 * each} repositories by three workers")


@pytest.mark.ordeal
async def test_looks_that_are_asked_for_again_and_again_are_made_whoever_is_killed(
    seed: int, fresh_postgresql: str, tmp_path: Path
) -> None:
    chance, places = random.Random(seed), [Wanted("here", f"app{at}", "v1") for at in range(KINDS)]
    async with FaultRegistry() as slow:
        slow.fault(("GET|HEAD", "/v2/"), delayed(0.3))
        for number in range(KINDS):
            place(slow.demo, f"app{number}", tags_of(number)["v1"], "v1")
        hosts = [("here", slow.host, "concurrency = 12")]
        async with fleet_of(tmp_path, fresh_postgresql, hosts) as fleet:
            await fleet.round_started()
            await fleet.hire(3)
            await fleet.ended()
            for _ in range(3):
                for _ in range(20):
                    await looks.request_looks(fleet.store, places, now(), "webhook")
                    await asyncio.sleep(0.05)
                await fleet.kill(chance.choice(fleet.workers))
                await fleet.hire(1)
            slow.requests.clear()
            await looks.request_looks(fleet.store, places, now(), "webhook")
            async with asyncio.timeout(60.0):
                while await fleet.store.read(all_rows, _ASKED) or await fleet.waiting():  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
            asked = {one.path for one in slow.requests if "/manifests/v1" in one.path}
            assert {f"/v2/app{number}/manifests/v1" for number in range(KINDS)} == asked


async def crawled_calmly(fleet: Fleet, url: str) -> dict[str, object]:
    """Return what is believed after two undisturbed crawls in one process."""
    memory = QueueConfig()
    config = msgspec.structs.replace(fleet.config, database=DatabaseConfig(url), queue=memory)
    for _ in range(2):
        await crawl_once(config, [], show=lambda _: None)
    return await dumped(url)
