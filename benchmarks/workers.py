"""Measure crawls of a registry that answers after 20 ms: by one worker, by two, by four.

    python -m benchmarks.workers [--quick] [--rounds N]

Workers are `mfl-lint worker` processes over one PostgreSQL, a cluster of its own that does not wait
for the disk. Each does one job at a time, with one slot of the host: four requests at once. The
registry says how many it really had.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple
from uuid import uuid4

from benchmarks.crawl import say, spread
from benchmarks.images import PLATFORMS, TAGS
from benchmarks.machine import description, load
from benchmarks.processes import fast_registry
from benchmarks.slow_registry import DELAY_S
from benchmarks.spent import children, cpu_s, name_of
from mfl_lint.core.records import CrawlStatus
from tests.postgresql import fresh_database, postgresql, postgresql_binaries
from tests.service.fleet import Fleet, fleet_of

_WORKERS: Final = (1, 2, 4)
_EACH: Final = 4
_ASK_S: Final = 0.5
_MORE: Final = f"concurrency = {_EACH * max(_WORKERS)}"


class Crawled(NamedTuple):
    """What one crawl took, and how many requests the registry had at once at most.

    The processor seconds of all workers, and of PostgreSQL.
    """

    seconds: float
    requests: int
    at_once: int
    workers_s: float
    postgresql_s: float


def _most(host: str) -> int:
    with urllib.request.urlopen(f"http://{host}/most") as answer:
        return int(answer.read())


async def _crawl(fleet: Fleet, host: str) -> Crawled:
    _most(host)
    before = _spent(fleet)
    await fleet.begin()
    crawl = await fleet.last()
    while crawl.finished_at is None:
        await asyncio.sleep(_ASK_S)  # seldom: whoever looks on takes no processor from workers
        crawl = await fleet.last()
    if crawl.status is not CrawlStatus.DONE or crawl.problem:
        raise RuntimeError(f"the crawl was {crawl.status}: {crawl.problem}")
    took = crawl.finished_at - crawl.started_at
    spent = (then - now for now, then in zip(before, _spent(fleet), strict=True))
    return Crawled(took.total_seconds(), crawl.requests, _most(host), *spent)


def _spent(fleet: Fleet) -> tuple[float, float]:
    """Return the processor seconds so far of the workers and of PostgreSQL."""
    clusters = [pid for pid in children(os.getpid()) if name_of(pid) == "postgres"]
    return cpu_s(worker.pid for worker in fleet.workers), cpu_s(clusters)


async def _measured(host: str, url: str, workers: int) -> tuple[Crawled, Crawled]:
    """Return what a first crawl took, and one that finds nothing changed."""
    with tempfile.TemporaryDirectory() as folder:
        async with fleet_of(Path(folder), url, [("here", host, _MORE)]) as fleet:
            await fleet.hire(workers, concurrency=1)
            return await _crawl(fleet, host), await _crawl(fleet, host)


Round = dict[int, tuple[Crawled, Crawled]]


def _rounds(host: str, cluster: str, count: int) -> list[Round]:
    rounds = []
    for number in range(count):
        order = _WORKERS if number % 2 == 0 else tuple(reversed(_WORKERS))
        found: Round = {}
        for workers in order:
            say(f"round {number + 1} of {count}: {workers} workers … ")
            with fresh_database(cluster, f"bench_{uuid4().hex}") as url:
                found[workers] = asyncio.run(_measured(host, url, workers))
        rounds.append(found)
    say("")
    return rounds


def _print(rounds: Sequence[Round], repositories: int) -> None:
    tags = repositories * len(TAGS)
    for which, title in enumerate(("first crawl", "nothing changed")):
        head = f"{'seconds':22}{'jobs/s':>7}{'tags/s':>8}{'requests/s':>12}{'at once':>9}"
        head += f"{'CPU, s':>9}{'PostgreSQL':>12}"
        print(f"\n{title:24}{head}   ÷ one worker")
        for workers in _WORKERS:
            took = [one[workers][which].seconds for one in rounds]
            faster = [one[1][which].seconds / one[workers][which].seconds for one in rounds]
            median = statistics.median(took)
            requests = rounds[0][workers][which].requests / median
            at_once = max(one[workers][which].at_once for one in rounds)
            figures = f"{repositories / median:7.1f}{tags / median:8.1f}{requests:12.0f}{at_once:9}"
            own = statistics.median(one[workers][which].workers_s for one in rounds)
            database = statistics.median(one[workers][which].postgresql_s for one in rounds)
            figures += f"{own:9.1f}{database:12.1f}"
            name = f"{workers} worker{'s' * (workers > 1)}"
            print(f"{name:24}{spread(took):22}{figures}   {spread(faster)}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a quarter of the size, one round")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    repositories, count = (15, 1) if given.quick else (60, given.rounds)
    binaries = postgresql_binaries()
    if binaries is None:
        raise SystemExit("PostgreSQL is not installed: apt-get install postgresql")
    before = load()
    with postgresql(binaries) as cluster, fast_registry(repositories, "slow_registry") as host:
        rounds = _rounds(host, cluster, count)
    print(description())
    size = f"{repositories} repositories × {len(TAGS)} tags × {len(PLATFORMS)} platforms"
    print(f"size       {size}, answers after {DELAY_S * 1000:.0f} ms, {_EACH} at once a worker;")
    print(f"           {count} rounds: median (least–most); load before: {before}")
    _print(rounds, repositories)


if __name__ == "__main__":
    main()
