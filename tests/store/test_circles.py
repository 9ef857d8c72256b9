"""Whoever writes beside others never waits for somebody who waits for them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from threading import Barrier, BrokenBarrierError

from sqlalchemy import Connection, text

from mfl_lint.config import RegistryConfig
from mfl_lint.store import crawls, dump, observations, registries, revisions, unreferenced
from mfl_lint.store.engine import Store
from tests.store.batches import NOW, batch, content, crawl, finding, lease, write

DAY = timedelta(days=1)


async def test_crawls_and_retention_write_the_same_documents_beside_one_another(
    store: Store, count: Callable[[int], int], seed: int
) -> None:
    dice = random.Random(seed)
    names = [f"document {number}" for number in range(60)]
    held = [await lease(store, f"team/{name}") for name in ("a", "b", "c")]
    at = NOW
    for _ in range(count(100)):
        at += 3 * DAY
        writes = []
        for one in held:
            dice.shuffle(names)
            kept = tuple(content(name) for name in names[:40])
            writes.append(observations.record(store, one, batch(contents=kept, at=at)))
        sweeps = [unreferenced.sweep(store, DAY.total_seconds(), at) for _ in range(2)]
        await asyncio.gather(*writes, *sweeps)
    assert 40 <= (await dump.figures(store)).rows["documents"] <= len(names)


async def test_repositories_count_in_their_crawl_while_its_progress_is_written(
    store: Store, count: Callable[[int], int]
) -> None:
    places = ("team/a", "team/b", "team/c")
    held = [await lease(store, name) for name in places]
    number, turns = await crawl(store), count(100)
    told = partial(crawls.progress, store, repositories=3, repositories_done=0, tags=0, requests=0)
    for turn in range(turns):
        opened = [finding(f"v{turn}", repository=name) for name in places]
        writes = [write(f"v{turn}", one) for one in opened]
        await asyncio.gather(
            *(
                observations.record(store, one, batch(new, crawl_id=number))
                for one, new in zip(held, writes, strict=True)
            ),
            *(told(number) for _ in range(3)),
        )
    (record,) = (await crawls.crawls(store)).items
    assert 3 * turns == record.opened


async def test_of_two_who_wait_for_one_another_both_get_done(queued_store: Store) -> None:
    store, both = queued_store, Barrier(2, timeout=30)
    await registries.sync_registries(
        store, [RegistryConfig(name, f"{name}.example") for name in "ab"], NOW
    )
    change = text("UPDATE registries SET revision = revision + 1 WHERE name = :name")

    def write(connection: Connection, *names: str) -> None:
        for name in names:
            connection.execute(change, {"name": name})
            with suppress(BrokenBarrierError):
                both.wait()
            both.abort()  # the one that gave way waits for nobody

    before = await revisions.revisions(store)
    await asyncio.gather(store.write(write, "a", "b"), store.write(write, "b", "a"))
    assert {name: number + 2 for name, number in before.items()} == await revisions.revisions(store)
