"""Two schedulers, of which one was paused: when it wakes, its writes are refused."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mfl_lint.core.records import Lease
from mfl_lint.store import dump, leases, observations
from mfl_lint.store.engine import Store, open_store
from mfl_lint.store.migrate import upgrade
from tests.store.batches import batch, finding, later, lease, write

WRITES = """
import asyncio, itertools, sys
from mfl_lint.core.errors import LeaseLost
from mfl_lint.store import leases, observations
from mfl_lint.store.engine import open_store
from tests.store.batches import NOW, batch, finding, lease, write

async def main():
    async with open_store(sys.argv[1], busy_timeout_s=60.0) as store:
        held = await leases.acquire(store, "one", "team/app", "paused", 120.0, NOW)
        print("writes", flush=True)
        for number in itertools.count():
            name = f"paused{number}"
            try:
                await observations.record(store, held, batch(write(name, finding(name))))
            except LeaseLost:
                print("refused", number, flush=True)
                return

asyncio.run(main())
"""


def _scheduler(url: str) -> subprocess.Popen[str]:
    """Return a process that writes until it is refused."""
    return subprocess.Popen(
        [sys.executable, "-c", WRITES, url],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )


async def _taken_over(store: Store, paused: subprocess.Popen[str], minutes: int) -> Lease:
    """Return the lease of another one, when the paused one's time is over.

    What was stopped inside a transaction holds its locks, so that it has to end that first.
    """
    taking = asyncio.create_task(
        leases.acquire(store, "one", "team/app", f"other{minutes}", 1.0, later(minutes=minutes))
    )
    while not (await asyncio.wait([taking], timeout=0.2))[0]:
        paused.send_signal(signal.SIGCONT)
        await asyncio.sleep(0.002)
        paused.send_signal(signal.SIGSTOP)
    held = taking.result()
    assert held is not None
    return held


@pytest.mark.ordeal
async def test_the_writes_of_a_scheduler_that_wakes_are_refused(
    empty_url: str, count: Callable[[int], int], seed: int
) -> None:
    dice, refused = random.Random(seed), 0
    upgrade(empty_url)
    async with open_store(empty_url, busy_timeout_s=60.0) as store:
        first = await lease(store)
        await leases.release(store, first)
        for number in range(count(50)):
            with _scheduler(empty_url) as paused:
                assert paused.stdout is not None
                assert "writes\n" == await asyncio.to_thread(paused.stdout.readline)
                await asyncio.sleep(dice.uniform(0, 0.1))
                paused.send_signal(signal.SIGSTOP)
                held = await _taken_over(store, paused, 10 * (number + 1))
                before = (await dump.figures(store)).rows["tags"]
                paused.send_signal(signal.SIGCONT)
                told = await asyncio.to_thread(paused.stdout.read)
                assert told.startswith("refused")
                refused += 1
            assert before == (await dump.figures(store)).rows["tags"]
            await observations.record(
                store, held, batch(write(f"v{number}", finding(f"v{number}")))
            )
            await leases.release(store, held)
        rows = (await dump.figures(store)).rows
    print(f"{refused} schedulers woke, all were refused; {rows['tags']} tags")
    assert rows["tags"] == rows["findings"] == rows["transitions"]
