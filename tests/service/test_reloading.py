"""Settings that are read again while workers work."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.builders import image, index, place
from tests.fault_registry import FaultRegistry
from tests.service.fleet import Fleet, fleet_of

GOOD = index(image("linux", "amd64"), image("linux", "arm64"))
_TIMES = 100


async def crawled_until(fleet: Fleet, tags: int) -> int:
    """Have all crawled until a crawl looked at so many tags; return at how many the last did."""
    for _ in range(_TIMES):
        crawl = await fleet.round()
        assert "" == crawl.problem
        if crawl.tags == tags:
            break
    return crawl.tags


async def test_a_worker_goes_by_what_its_settings_say_after_sighup_unless_they_are_bad(
    fresh_postgresql: str, tmp_path: Path
) -> None:
    async with FaultRegistry() as registry:
        place(registry.demo, "team/app", GOOD, "v1", "v2")
        hosts = [("here", registry.host, "")]
        async with fleet_of(tmp_path, fresh_postgresql, hosts) as fleet:
            await fleet.hire(1)
            file, (worker,) = tmp_path / "fleet.toml", fleet.workers
            assert 2 == (await fleet.round()).tags
            usual = file.read_text()
            file.write_text(usual + 'exclude_tags = ["v2"]\n')
            assert 2 == (await fleet.round()).tags
            worker.send_signal(signal.SIGHUP)
            assert 1 == await crawled_until(fleet, 1)
            file.write_text(usual + "what = [")
            worker.send_signal(signal.SIGHUP)
            assert 1 == (await fleet.round()).tags
            file.write_text(usual)
            worker.send_signal(signal.SIGHUP)
            assert 2 == await crawled_until(fleet, 2)
