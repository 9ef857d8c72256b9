"""Workers crawl as the service itself does, whoever is killed meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from mfl_lint.core.records import CrawlStatus
from mfl_lint.store import migrate
from mfl_lint.store.dump import canonical_dump
from tests.crawl.test_kill import change, crawls_of, dumped, fill
from tests.fault_registry import FaultRegistry
from tests.service.fleet import fleet_of

SIZE: Final = 8


async def test_one_worker_believes_what_the_service_would(
    fresh_postgresql: str, tmp_path: Path
) -> None:
    calm = f"sqlite:///{tmp_path / 'calm.db'}"
    migrate.upgrade(calm)
    async with (
        FaultRegistry() as registry,
        crawls_of(registry.host) as crawls,
        fleet_of(tmp_path, fresh_postgresql, [("here", registry.host, "")]) as fleet,
    ):
        await fleet.hire(1)
        for prepare in (fill, change):
            prepare(registry, SIZE)
            for _ in range(2):
                await crawls.to_the_end(calm)
                crawl = await fleet.round()
                assert (CrawlStatus.DONE, "") == (crawl.status, crawl.problem)
                assert crawl.repositories == crawl.repositories_done
            assert await dumped(calm) == await canonical_dump(fleet.store)
