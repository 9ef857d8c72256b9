"""A worker that is told to end does what it is at to its end, and nobody takes that for dead."""

from __future__ import annotations

import asyncio
import signal
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import text

from mfl_lint.store.queue_tables import QUEUE_SCHEMA
from mfl_lint.store.statements import all_rows, one_row
from tests.builders import image, index, place
from tests.service.fleet import fleet_of
from tests.service.gated import GatedRegistry

GOOD: Final = index(image("linux", "amd64"), image("linux", "arm64"))
_BEATS: Final = text(f"SELECT last_heartbeat FROM {QUEUE_SCHEMA}.procrastinate_workers")
_JOBS: Final = text(
    f"SELECT task_name, status::text, attempts FROM {QUEUE_SCHEMA}.procrastinate_jobs ORDER BY id"
)


async def test_a_worker_that_ends_gives_signs_of_life_while_it_is_at_its_last_job(
    fresh_postgresql: str, tmp_path: Path
) -> None:
    gated = GatedRegistry()
    place(gated, "team/app", GOOD, "v1")
    gated.gate.clear()
    async with (
        gated.serving() as registry,
        fleet_of(tmp_path, fresh_postgresql, [("here", registry.host, "")]) as fleet,
    ):
        await fleet.hire(1)
        worker = fleet.workers[0]
        await fleet.begin()
        async with asyncio.timeout(60.0):
            await registry.reached.wait()
            worker.send_signal(signal.SIGTERM)
            beats = set[datetime]()
            while len(beats) < 4:  # the last one before the signal is one of them
                (row,) = await fleet.store.read(all_rows, _BEATS)
                beats.add(row.last_heartbeat)
                await asyncio.sleep(0.02)
            assert ("crawl", "doing", 0) == tuple(await fleet.store.read(one_row, _JOBS) or ())
            registry.gate.set()
            assert 0 == await worker.wait()
        fleet.workers.remove(worker)
        assert 1 == (await fleet.last()).repositories_done
        left = [tuple(row) for row in await fleet.store.read(all_rows, _JOBS)]
        assert [("end", "todo", 0)] == left
