"""Workers take as many connections to PostgreSQL as docs/scaling.md says, and no more."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import text

from mfl_lint.store.statements import all_rows
from tests.builders import image, index, place
from tests.service.fleet import fleet_of
from tests.service.gated import GatedRegistry

GOOD: Final = index(image("linux", "amd64"), image("linux", "arm64"))
JOBS: Final = 8
_THEIRS: Final = text(
    "SELECT count(*) AS number FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = 'mfl-lint worker'"
)


@pytest.mark.ordeal
async def test_a_worker_that_has_all_its_jobs_to_do_takes_two_connections_more_for_the_queue(
    fresh_postgresql: str, tmp_path: Path
) -> None:
    gated = GatedRegistry()
    for number in range(2 * JOBS):
        place(gated, f"team/app{number}", GOOD, "v1")
    gated.gate.clear()
    async with gated.serving() as registry:
        hosts = [("here", registry.host, f"concurrency = {4 * JOBS}")]
        async with fleet_of(tmp_path, fresh_postgresql, hosts) as fleet:
            await fleet.hire(1, concurrency=JOBS)
            await fleet.begin()
            await registry.reached.wait()
            registry.gate.set()
            most = 0
            async with asyncio.timeout(60.0):
                while (await fleet.last()).finished_at is None:
                    (row,) = await fleet.store.read(all_rows, _THEIRS)
                    most = max(most, row.number)
            assert 2 <= most <= JOBS + 2
