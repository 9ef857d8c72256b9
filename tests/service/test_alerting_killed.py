"""A dispatcher that is killed at any moment, with a receiver that fails: nothing is lost."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp import web
from sqlalchemy import text

from mfl_lint.core.messages import MessageState
from mfl_lint.core.records import CrawlStatus
from mfl_lint.service.crawling import utc_now
from mfl_lint.store import crawls, dump, observations
from mfl_lint.store.engine import Store, open_store
from mfl_lint.store.leases import acquire
from mfl_lint.store.statements import all_rows
from tests.receiver import Receiver
from tests.service.alerted import fault
from tests.store.batches import batch, crawl, found, lease, write

ROOT: Final = Path(__file__).parents[2]
_IN_ONE: Final = 10


async def fill(store: Store, repositories: int) -> list[str]:
    """Let ten findings open in each repository, and return the ids of what that are as news."""
    await lease(store)
    now = utc_now()
    first = await crawl(store)
    await crawls.progress(store, first, repositories=1, repositories_done=1, tags=1, requests=1)
    await crawls.finish_crawl(store, first, CrawlStatus.DONE, "", now)
    marks: list[str] = []
    for number in range(repositories):
        place, at = f"team/{number}", utc_now()
        held = await acquire(store, "one", place, "me", 120.0, at)
        assert held is not None
        made = found(*(fault(place, one) for one in range(_IN_ONE)), at=at)
        await observations.record(store, held, batch(write("v1", settlement=made), at=at))
        marks += [move.id for move in made.transitions]
    return marks


class Failing:
    """Answers 503 to three in ten, takes one in fifty without ever answering."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)

    def __call__(self, request: web.Request) -> int | None:
        chance = self._dice.random()
        if chance < 0.3:
            return 503
        return None if chance < 0.32 else 204


@asynccontextmanager
async def dispatchers(receiver: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Yield what starts dispatchers, one after the other."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.service.dispatching_process", receiver),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


@asynccontextmanager
async def dispatching(process: asyncio.subprocess.Process, url: str) -> AsyncIterator[None]:
    """Let a dispatcher work while the context lasts; then kill it."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{url}\n".encode())
    child = int(await process.stdout.readline())
    try:
        yield
    finally:
        os.kill(child, signal.SIGKILL)
        assert -signal.SIGKILL == int(await process.stdout.readline())


async def has_sent(receiver: Receiver) -> None:
    """Wait until the receiver is asked for something, or seems to be asked for nothing more."""
    receiver.heard.clear()
    with suppress(TimeoutError):
        await asyncio.wait_for(receiver.heard.wait(), 3)


async def claimed(store: Store) -> int:
    """Return how many messages somebody was sending when the last one was killed."""
    query = text(
        "SELECT count(*) AS n FROM messages WHERE state = 'pending' AND lease_holder <> ''"
    )
    return int((await store.read(all_rows, query))[0].n)


async def waiting(store: Store) -> int:
    """Return how much is not delivered yet."""
    rows = (await dump.figures(store)).rows
    query = text("SELECT count(*) AS n FROM messages WHERE state <> 'sent'")
    unsent = int((await store.read(all_rows, query))[0].n)
    return rows["outbox"] + rows["alert_waiting"] + unsent


@pytest.mark.ordeal("postgresql")
async def test_nothing_is_lost_and_nothing_is_told_twice_but_what_was_interrupted(
    url: str, count: Callable[[int], int], seed: int
) -> None:
    dice, kills, interrupted = random.Random(seed), count(100), 0
    async with open_store(url) as store, Receiver(Failing(seed)) as receiver:
        marks = await fill(store, count(1000))
        async with dispatchers(receiver.url) as process:
            for number in range(kills):
                async with dispatching(process, url):
                    if number % 2:
                        await has_sent(receiver)
                    await asyncio.sleep(dice.uniform(0, 0.1 if number % 2 else 0.6))
                interrupted += await claimed(store)
            async with dispatching(process, url), asyncio.timeout(1200):
                while await waiting(store):  # noqa: ASYNC110  # another process does it
                    await asyncio.sleep(0.1)
        states: Any = await store.read(all_rows, text("SELECT DISTINCT state FROM messages"))
    keys = receiver.keys()
    duplicates = keys.total() - len(keys)
    print(
        f"{len(marks)} transitions, {len(keys)} messages, {receiver.asked} tries, {kills} kills: "
        f"0 lost, {duplicates} duplicates of {interrupted} interrupted and "
        f"{receiver.stalled} unanswered sends"
    )
    assert [MessageState.SENT.value] == [row.state for row in states]
    assert dict.fromkeys(marks, 1) == dict(receiver.findings())
    assert duplicates <= interrupted + receiver.stalled
