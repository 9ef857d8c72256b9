"""The same registry gives the same findings: in another order, process and hash seed."""

from __future__ import annotations

import random
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from mfl_lint.demo.images import DEMO_POLICY, fill
from mfl_lint.store.dump import canonical_dump
from mfl_lint.store.engine import open_store
from tests import faults, wire_faults
from tests.builders import image, index
from tests.crawl.test_kill import crawls_of, dumped
from tests.crawl.world import World, made_world
from tests.fault_registry import ANYWHERE, AT_BLOB, AT_CHILD, AT_INDEX, Behaviour, FaultRegistry

MAX_GROWTH: Final = 64 * 1024 * 1024
BOMBS: Final[dict[str, Behaviour]] = {
    "gzip": faults.bomb("gzip", 1 << 29),
    "brotli": faults.bomb("br", 1 << 26),
    "zstd": faults.bomb("zstd", 1 << 26),
    "nested": faults.bomb("gzip", 1 << 29, layers=3),
    "endless": wire_faults.endless_body(),
}


async def test_other_orders_of_arrival_give_the_same_store(
    empty_database: Path, tmp_path: Path, count: Callable[[int], int], seed: int
) -> None:
    chance, dumps = random.Random(seed), []
    async with FaultRegistry() as registry:
        fill(registry.demo)
        tries = max(3, count(20))
        for number in range(tries):
            registry.heal()
            if number:
                for _ in range(40):
                    late = faults.delayed(chance.uniform(0.0, 0.03))
                    registry.fault(ANYWHERE, late, times=1, skip=chance.randrange(60))
            url = f"sqlite:///{shutil.copy(empty_database, tmp_path / f'{number}.db')}"
            async with open_store(url) as store, made_world(registry, store) as world:
                world.policy = DEMO_POLICY
                world.change_settings(repositories_at_once=chance.randint(1, 8))
                await world.crawl()
                dumps.append(await canonical_dump(store))
    assert [dumps[0]] * tries == dumps
    print(f"{tries} orders of arrival, one result")


async def test_another_process_and_hash_seed_give_the_same_store(
    empty_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dumps = []
    async with FaultRegistry() as registry:
        fill(registry.demo)
        for hash_seed in ("0", "1", "4711"):
            monkeypatch.setenv("PYTHONHASHSEED", hash_seed)
            url = f"sqlite:///{shutil.copy(empty_database, tmp_path / f'{hash_seed}.db')}"
            async with crawls_of(registry.host) as crawls:
                await crawls.to_the_end(url)
            dumps.append(await dumped(url))
    assert [dumps[0]] * 3 == dumps
    assert dumps[0]["findings"]


@pytest.mark.parametrize("place", ["index", "child", "config"])
@pytest.mark.parametrize("name", BOMBS)
async def test_a_bomb_costs_no_memory(world: World, name: str, place: str) -> None:
    world.place("app", index(image("linux", "amd64"), image("linux", "arm64")), "v1")
    await world.scan("app", "v1")
    match = {"index": AT_INDEX, "child": AT_CHILD, "config": AT_BLOB}[place]
    world.registry.fault(("GET", match[1]), BOMBS[name])
    before = resident()
    await world.crawl()
    await world.scan("app", "v1")
    growth = resident() - before
    assert growth <= MAX_GROWTH
    assert not (await world.tag("app", "v1")).complete
    print(f"{growth >> 20} MiB more")


def resident() -> int:
    """Return the most bytes that this process ever had in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
