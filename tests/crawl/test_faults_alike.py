"""The same registry gives the same findings: in another order, process and hash seed."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mfl_lint.demo.images import DEMO_POLICY, fill
from mfl_lint.store.dump import canonical_dump
from mfl_lint.store.engine import open_store
from tests import faults
from tests.crawl.test_kill import crawls_of, dumped
from tests.crawl.world import made_world
from tests.fault_registry import ANYWHERE, FaultRegistry


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
