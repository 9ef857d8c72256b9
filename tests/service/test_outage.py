"""A worker whose database is away says so once, and ends when it is told to all the same."""

from __future__ import annotations

import asyncio

import pytest

from mfl_lint.config import Config, DatabaseConfig, QueueConfig
from mfl_lint.core.errors import StoreError
from mfl_lint.service.outage import Outage
from mfl_lint.service.worker import work
from tests.postgresql import allow, forbid

GONE = "the database is asked again until it answers"
BACK = "the database answers again"


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged, without why."""
    ours = (one for one in caplog.records if one.name == "mfl_lint")
    return [one.message.partition(" (")[0] for one in ours]


async def test_an_outage_is_said_once_however_many_ask_and_over_when_all_are_answered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    outage = Outage()
    for part in ("queue", "hosts", "queue"):
        await outage.failed(part, StoreError("away"), 0.0)
    outage.worked("queue")
    assert [GONE] == logged(caplog)
    for _ in range(2):
        outage.worked("hosts")
    assert [GONE, BACK] == logged(caplog)
    await outage.failed("hosts", StoreError("away"), 0.0)
    assert [GONE, BACK, GONE] == logged(caplog)


async def test_a_worker_whose_database_goes_and_comes_says_so_and_ends_while_it_is_away(
    fresh_postgresql: str, postgresql_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    name = fresh_postgresql.rpartition("/")[2]
    queue = QueueConfig(backend="postgresql", stalled_s=2.0)
    config = Config(database=DatabaseConfig(url=fresh_postgresql), queue=queue)
    ready, stop = asyncio.Event(), asyncio.Event()

    async def until(last: str) -> None:
        async with asyncio.timeout(40.0):
            while [last] != logged(caplog)[-1:]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    working = asyncio.create_task(work(lambda: config, concurrency=1, ready=ready.set, stop=stop))
    try:
        await ready.wait()
        for forbids, last in ((forbid, GONE), (allow, BACK), (forbid, GONE)):
            await asyncio.to_thread(forbids, postgresql_url, name)
            await until(last)
        stop.set()
        await asyncio.wait([working], timeout=20.0)
        assert working.done()
        # A part may hear of it only when others are answered again: then it is said again.
        said = logged(caplog)
        assert [GONE, BACK] * (len(said) // 2) + [GONE] == said
    finally:
        await asyncio.to_thread(allow, postgresql_url, name)
        working.cancel()
