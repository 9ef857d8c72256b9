"""A worker whose database is away says so once, and ends when it is told to all the same."""

from __future__ import annotations

import asyncio
import logging

import pytest

from mfl_lint.config import Config, DatabaseConfig, QueueConfig
from mfl_lint.service.worker import work
from tests.postgresql import allow, forbid

GONE = "the database is asked again until it answers"
BACK = "the database answers again"


async def test_a_database_that_is_away_is_said_once_when_it_goes_and_once_when_it_is_back(
    fresh_postgresql: str, postgresql_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "mfl_lint")
    name = fresh_postgresql.rpartition("/")[2]
    queue = QueueConfig(backend="postgresql", stalled_s=2.0)
    config = Config(database=DatabaseConfig(url=fresh_postgresql), queue=queue)
    ready, stop = asyncio.Event(), asyncio.Event()

    def logged() -> list[str]:
        ours = (one for one in caplog.records if one.name == "mfl_lint")
        return [one.message.partition(" (")[0] for one in ours]

    async def until(*said: str) -> None:
        async with asyncio.timeout(40.0):
            while list(said) != logged():  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    working = asyncio.create_task(work(lambda: config, concurrency=1, ready=ready.set, stop=stop))
    try:
        await ready.wait()
        await asyncio.to_thread(forbid, postgresql_url, name)
        await until(GONE)
        await asyncio.sleep(1.5)  # it is asked several times meanwhile
        await until(GONE)
        await asyncio.to_thread(allow, postgresql_url, name)
        await until(GONE, BACK)
        await asyncio.to_thread(forbid, postgresql_url, name)
        await until(GONE, BACK, GONE)
        stop.set()
        await asyncio.wait_for(working, 10.0)
    finally:
        await asyncio.to_thread(allow, postgresql_url, name)
        working.cancel()
