"""A host's limits hold over all workers together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from mfl_lint.core.records import CrawlStatus
from mfl_lint.registry.politeness import Limits, slots_of
from tests.builders import image, index, place
from tests.fault_registry import FaultRegistry
from tests.faults import throttled
from tests.service.fleet import fleet_of
from tests.service.stopwatch import Stopwatch
from tests.wire_faults import silent

GOOD = index(image("linux", "amd64"), image("linux", "arm64"))
POLITE = 'concurrency = 3\nrate = 5\nscheme = "http"'


@pytest.mark.parametrize(
    ("limits", "shares"),
    [
        (Limits(3, 5.0), [(1, 2.0), (1, 2.0), (1, 1.0)]),
        (Limits(3, 2.0), [(1, 1.0), (1, 1.0)]),
        (Limits(2, 0.5), [(1, 0.5)]),
        (Limits(1, 2.5), [(1, 2.5)]),
        (Limits(32, 0.0), [(4, 0.0)] * 8),
        (Limits(10, 0.0), [(4, 0.0), (4, 0.0), (2, 0.0)]),
        (Limits(3, 0.0), [(1, 0.0)] * 3),
    ],
)
def test_limits_are_dealt_out_and_kept_by_all_shares_together(
    limits: Limits, shares: list[tuple[int, float]]
) -> None:
    dealt = slots_of(limits)
    assert shares == [(one.concurrency, one.rate) for one in dealt]
    assert sum(one.concurrency for one in dealt) <= limits.concurrency
    in_any_window = sum(max(1, int(one.rate)) for one in dealt if one.rate)
    assert in_any_window <= max(1, int(limits.rate))
    assert {limits.window_s} >= {one.window_s for one in dealt}


def most_within(times: Sequence[float], window_s: float) -> int:
    """Return the greatest number of moments in any window of that length."""
    ordered, most, first = sorted(times), 0, 0
    for last, moment in enumerate(ordered):
        while moment - ordered[first] >= window_s:
            first += 1
        most = max(most, last - first + 1)
    return most


def test_the_program_that_checks_windows_counts_right() -> None:
    assert [1, 2, 3] == [most_within((0.0, 0.5, 1.0, 1.4), s) for s in (0.1, 0.6, 1.2)]


@pytest.mark.ordeal
async def test_three_workers_ask_a_host_no_more_than_its_limits_allow(
    fresh_postgresql: str, tmp_path: Path
) -> None:
    watch = Stopwatch()
    async with FaultRegistry() as registry:
        registry.fault(("GET|HEAD", "/v2/"), watch.timed(0.55))
        for number in range(9):
            place(registry.demo, f"team/app{number}", GOOD, "v1", "v2")
        hosts = [("here", registry.host, POLITE)]
        async with fleet_of(tmp_path, fresh_postgresql, hosts) as fleet:
            await fleet.hire(3)
            crawl = await fleet.round(timeout_s=240.0)
            assert (CrawlStatus.DONE, "", 9) == (crawl.status, crawl.problem, crawl.repositories)
    most = most_within(watch.arrived, 1.0)
    assert len(watch.arrived) == crawl.requests
    assert most <= 5
    assert watch.most_at_once <= 3
    took = watch.arrived[-1] - watch.arrived[0]
    print(
        f"{len(watch.arrived)} requests in {took:.1f} s: at most {most} in any second,"
        f" {watch.most_at_once} at once"
    )


async def test_a_host_that_asks_for_patience_is_left_in_peace_by_all_workers(
    fresh_postgresql: str, tmp_path: Path
) -> None:
    async with FaultRegistry() as registry:
        for number in range(30):
            place(registry.demo, f"team/app{number:02}", GOOD, "v1")
        hosts = [("here", registry.host, "concurrency = 2")]
        async with fleet_of(tmp_path, fresh_postgresql, hosts) as fleet:
            await fleet.hire(3, concurrency=1)
            registry.fault(("GET", "/app03/"), throttled("3600"))
            crawl = await fleet.round()
            asked = len(registry.requests)
            again = await fleet.round()
            assert "asked to wait" in crawl.problem + again.problem
            # Who had begun already may have asked for something still.
            assert asked < 60
            assert asked == len(registry.requests)


@pytest.mark.ordeal
async def test_a_dead_host_costs_a_worker_few_requests_and_keeps_no_other_host_waiting(
    fresh_postgresql: str, tmp_path: Path
) -> None:
    patience = '[http]\ntimeout = "1s"\nbackoff = "10ms"\nbackoff_max = "100ms"\n'
    async with FaultRegistry() as dead, FaultRegistry() as one, FaultRegistry() as two:
        others = {"one": one, "two": two}
        for number in range(40):
            place(dead.demo, f"team/app{number:02}", GOOD, "v1")
        for alive in others.values():
            for number in range(10):
                place(alive.demo, f"team/app{number}", GOOD, "v1")
        named = {"dead": dead, **others}
        hosts = [(name, registry.host, "") for name, registry in named.items()]
        async with fleet_of(tmp_path, fresh_postgresql, hosts, settings=patience) as fleet:
            await fleet.hire(1, concurrency=8)
            assert "" == (await fleet.round("dead")).problem
            dead.fault(("GET|HEAD", "/v2/"), silent())
            before = len(dead.requests)
            for name in named:
                await fleet.begin(name)
            crawls = {name: await fleet.ended(name) for name in named}
            asked = len(dead.requests) - before
    lasted = {
        name: (crawl.finished_at - crawl.started_at).total_seconds()
        for name, crawl in crawls.items()
        if crawl.finished_at is not None
    }
    print(f"{asked} requests to a dead host; crawls lasted {lasted}")
    assert "could not be listed" in crawls["dead"].problem
    assert {("", 10)} == {(crawls[name].problem, crawls[name].tags) for name in others}
    # Ten failures in a row are what it takes, not ten of each of eight slots.
    assert asked < 40
    assert max(lasted[name] for name in others) < lasted["dead"]
