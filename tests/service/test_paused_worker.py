"""A worker that is paused is taken for dead; when it wakes, it asks registries nothing more."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import text

from mfl_lint.core.records import CrawlStatus
from mfl_lint.store.queue_tables import QUEUE_SCHEMA
from mfl_lint.store.statements import all_rows
from tests.builders import image, index, place
from tests.fault_registry import FaultRegistry
from tests.faults import delayed
from tests.service.fleet import Fleet, fleet_of

TAGS: Final = 90
GOOD = index(image("linux", "amd64"), image("linux", "arm64"))
ALIVE = text(
    f"SELECT 1 FROM {QUEUE_SCHEMA}.procrastinate_workers"
    " WHERE last_heartbeat > now() - interval '2 seconds'"
)


async def alive(fleet: Fleet, number: int) -> None:
    """Wait until so many workers give signs of life."""
    async with asyncio.timeout(60.0):
        while len(await fleet.store.read(all_rows, ALIVE)) != number:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def asked(registry: FaultRegistry, number: int) -> None:
    """Wait until the registry was asked for so many things."""
    async with asyncio.timeout(60.0):
        while len(registry.requests) < number:  # noqa: ASYNC110  # the registry's own list
            await asyncio.sleep(0.01)


@pytest.mark.ordeal
async def test_a_worker_that_wakes_after_it_was_taken_for_dead_asks_nothing_more(
    fresh_postgresql: str, tmp_path: Path
) -> None:
    async with FaultRegistry() as registry:
        registry.fault(("GET|HEAD", "/v2/"), delayed(0.2))
        place(registry.demo, "team/large", GOOD, *(f"v{number}" for number in range(TAGS)))
        hosts = [("here", registry.host, "")]
        async with fleet_of(tmp_path, fresh_postgresql, hosts) as fleet:
            await fleet.hire(1)
            paused = fleet.workers[0]
            await fleet.begin()
            await asked(registry, 10)
            paused.send_signal(signal.SIGSTOP)
            await fleet.hire(1)
            crawl = await fleet.ended()
            assert (CrawlStatus.DONE, "", TAGS) == (crawl.status, crawl.problem, crawl.tags)
            before = len(registry.requests)
            await alive(fleet, 1)
            paused.send_signal(signal.SIGCONT)
            await alive(fleet, 2)
            # All of a slice would take it two seconds more.
            await asyncio.sleep(3.0)
            # What it was about to ask in that moment was asked.
            assert len(registry.requests) - before <= 8
            # It goes on as a worker like any other.
            assert CrawlStatus.DONE is (await fleet.round()).status
