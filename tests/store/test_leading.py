"""Who leads: a leader that is stopped anywhere is followed, and writes nothing when it wakes."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from pathlib import Path

import pytest

from mfl_lint.core.errors import StoreError
from mfl_lint.store import leading, postgresql
from mfl_lint.store.leading import Candidate
from mfl_lint.store.migrate import upgrade
from mfl_lint.store.queue_schema import upgrade_queue
from tests.store.batches import NOW

LEADS = """
import asyncio, sys
from functools import partial
from mfl_lint.core.errors import StoreError
from mfl_lint.store.engine import open_store
from mfl_lint.store.leading import Candidate, check_leads
from tests.store.batches import NOW

def stand(connection):
    print("writes", flush=True)
    sys.stdin.readline()
    connection.exec_driver_sql("CREATE TABLE written (one integer)")

async def main():
    fence = Candidate(sys.argv[1], "first").ask(NOW)
    async with open_store(sys.argv[1]) as store:
        try:
            await store.checked(partial(check_leads, fence=fence)).write(stand)
        except StoreError:
            print("refused", flush=True)

asyncio.run(main())
"""


@pytest.fixture
def queue_url(fresh_postgresql: str) -> str:
    """Return the URL of a database with a queue."""
    upgrade(fresh_postgresql)
    upgrade_queue(fresh_postgresql)
    return fresh_postgresql


async def _followed(candidate: Candidate, limit_s: float) -> int:
    """Return the number of the candidate's leadership once it has one."""
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        try:
            number = await asyncio.to_thread(candidate.ask, NOW)
        except StoreError:  # it may not wait for the one before
            number = None
        if number is not None:
            return number
        await asyncio.sleep(0.1)
    raise TimeoutError("nobody leads")


@pytest.mark.ordeal
async def test_a_leader_that_is_stopped_in_the_middle_of_a_write_is_followed(
    queue_url: str,
) -> None:
    limit_s = 3 * (leading.SILENCE_S + postgresql.SILENCE_S)
    second = Candidate(queue_url, "second")
    first = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", LEADS, queue_url),
        cwd=Path(__file__).parents[2],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert first.stdout is not None
    try:
        assert b"writes\n" == await first.stdout.readline()
        first.send_signal(signal.SIGSTOP)
        stopped_at = time.monotonic()
        assert 2 == await _followed(second, limit_s)
        print(f"followed after {time.monotonic() - stopped_at:.1f} s")
        first.send_signal(signal.SIGCONT)
        told, _ = await first.communicate(b"\n")
        assert b"refused\n" == told
    finally:
        if first.returncode is None:
            first.kill()
        await first.wait()
        await asyncio.to_thread(second.close)


async def test_whoever_waits_for_a_database_that_says_nothing_can_be_interrupted(
    queue_url: str,
) -> None:
    held, candidate = Candidate(queue_url, "held"), Candidate(queue_url, "interrupted")
    assert await asyncio.to_thread(held.ask, NOW) == 1
    assert await asyncio.to_thread(candidate.ask, NOW) is None
    candidate.interrupt()
    with pytest.raises(StoreError, match="cannot be used"):
        await asyncio.to_thread(candidate.ask, NOW)
    assert await asyncio.to_thread(candidate.ask, NOW) is None
    for one in (held, candidate):
        await asyncio.to_thread(one.close)
