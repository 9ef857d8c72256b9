"""Measure a large store: a crawl that finds nothing changed, pages, size, retention, the move.

    python -m benchmarks.large [--tags N] [--quick] [--keep FOLDER]

The same is done with ten thousand tags and with many (a million, with --quick a hundred thousand),
on SQLite and on PostgreSQL, and ratios are told. PostgreSQL is a cluster of its own that does not
wait for the disk, unless MFL_LINT_BENCH_POSTGRESQL names an empty database for each size (%d).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.filled import REGISTRY, TAGS, repository_name, tag_name
from benchmarks.large_filled import fill_large
from benchmarks.machine import description, load
from benchmarks.processes import fast_registry
from benchmarks.talking import Talking, page_cursor
from mfl_lint.config_retention import RetentionConfig
from mfl_lint.store import retention, sizes
from mfl_lint.store.engine import open_store
from mfl_lint.store.moving import move
from mfl_lint.web import links

_ROOT: Final = Path(__file__).resolve().parent.parent
_FEW: Final = 10_000
_DAY_S: Final = 86400.0
_SECONDS: Final = 1.0
_ROUNDS: Final = 5
_KEPT: Final = RetentionConfig(history_s=180 * _DAY_S, crawls_s=30 * _DAY_S, documents_s=_DAY_S)


# The rounds of each page, and in each the milliseconds of each database.
Pages = dict[str, list[list[float]]]


class Crawled(NamedTuple):
    """What a crawl of unchanged tags took."""

    tags_a_second: float
    peak_mib: float


def _crawl(url: str, host: str) -> Crawled:
    command = [sys.executable, "-m", "benchmarks.measure", "crawl", host, url, REGISTRY]
    done = subprocess.run(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True, check=True)
    said = json.loads(done.stdout)
    return Crawled(said["tags"] / said["wall_s"], said["peak_mib"])


def _paths(port: int) -> dict[str, str]:
    """Return the paths of the pages that are measured, by name."""
    repository = repository_name(7)
    return {
        "overview": "/",
        "registry": links.registry(REGISTRY),
        "repository": links.repository(REGISTRY, repository),
        "tag": links.tag(REGISTRY, repository, tag_name(1)),
        "findings": "/findings",
        "findings, far": f"/findings?cursor={page_cursor(port, 300)}",
        "one tag everywhere": "/matrix?tag=latest",
        "search": "/search?q=service-0007",
        "crawls": "/crawls",
    }


def _pages(urls: Sequence[str], host: str) -> Pages:
    """Return the milliseconds of each page of each database in every round.

    They are made anew for each request, one at a time, the databases in turn. Nine of ten answers
    take longer: whatever else the machine does meanwhile makes them slower, and none quicker.
    """
    with ExitStack() as stack:
        talk = partial(Talking.to, "benchmarks.page_server", "anew")
        ports = [int(stack.enter_context(talk(url, host)).heard) for url in urls]
        loader = stack.enter_context(Talking.to("benchmarks.load", greets=False))
        paths = [_paths(port) for port in ports]
        return {
            name: [
                [
                    loader.ask_json(f"{port} {_SECONDS} 1 {mine[name]}")["p10_ms"]
                    for port, mine in zip(ports, paths, strict=True)
                ]
                for _ in range(_ROUNDS)
            ]
            for name in paths[0]
        }


async def _keep(url: str) -> tuple[int, float]:
    """Return the bytes of the database, and print what retention took away in what time."""
    async with open_store(url) as store:
        taken = (await sizes.sizes(store)).bytes
        begun = time.monotonic()
        # The first time what nothing leads to is only noted: it goes once that has lasted.
        for later_s in (0.0, 2 * _KEPT.documents_s):
            now = datetime.now(UTC) + timedelta(seconds=later_s)
            timed = time.monotonic()
            removed = await retention.retain(store, _KEPT, now)
            rows, documents = sum(removed.values()), removed["documents"]
            said = f"retention removed {rows} rows, {documents} of them documents"
            print(f"{'':12}{said}, in {time.monotonic() - timed:.1f} s", flush=True)
        await sizes.give_back(store)
        spent_s = time.monotonic() - begun
    return taken, spent_s


def _crawled(name: str, url: str, tags: int) -> Crawled:
    with fast_registry(tags // TAGS, "formula_registry") as host:
        crawl = _crawl(url, host)
    print(
        f"{name:12}{tags:,} tags: crawl {crawl.tags_a_second:.0f} tags/s, "
        f"{crawl.peak_mib:.0f} MiB at most",
        flush=True,
    )
    return crawl


def _measured(name: str, urls: Sequence[str], tags: Sequence[int]) -> None:
    """Measure databases of all sizes, and print what came of it."""
    crawls = [_crawled(name, url, number) for url, number in zip(urls, tags, strict=True)]
    with fast_registry(1, "formula_registry") as host:
        pages = _pages(urls, host)
    taken = [asyncio.run(_keep(url)) for url in urls]
    for number, (held, _) in zip(tags, taken, strict=True):
        print(f"{'':12}{number:,} tags: {held / number:.0f} bytes a tag", flush=True)
    few, many = crawls
    _tell("memory of the crawl", many.peak_mib / few.peak_mib, 1.2)
    _tell("time a tag", few.tags_a_second / many.tags_a_second, 1.2)
    for page, rounds in pages.items():
        small, large = (min(column) for column in zip(*rounds, strict=True))
        _tell(f"page: {page}", large / small, 1.5, f"  {small:.1f} → {large:.1f} ms")


def _tell(what: str, ratio: float, most: float, more: str = "") -> None:
    missed = "" if ratio <= most else f"  missed: {most}"
    print(f"{'':12}{what:28}{ratio:6.2f}{more}{missed}", flush=True)


@contextmanager
def _postgresql(tags: Sequence[int]) -> Iterator[list[str]]:
    """Yield an empty database for each size."""
    given = os.environ.get("MFL_LINT_BENCH_POSTGRESQL", "")
    if given:
        yield [given % number for number in tags]
        return
    from tests.postgresql import fresh_database, postgresql, postgresql_binaries

    binaries = postgresql_binaries()
    if binaries is None:
        yield []
        return
    with (
        postgresql(binaries) as cluster,
        fresh_database(cluster, "few") as few,
        fresh_database(cluster, "many") as many,
    ):
        yield [few, many]


def _prepared(folder: Path, tags: int) -> str:
    file = folder / f"large-{tags}.db"
    if not file.exists():
        begun = time.monotonic()
        made = fill_large(file, tags, datetime.now(UTC))
        print(f"{'filled':12}{made} in {time.monotonic() - begun:.0f} s", flush=True)
    return f"sqlite:///{file}"


def _moved(url: str, target: str) -> str:
    begun = time.monotonic()
    rows = sum(move(url, target).values())
    print(f"{'moved':12}{rows} rows in {time.monotonic() - begun:.1f} s", flush=True)
    return target


def _run(folder: Path, tags: Sequence[int]) -> None:
    urls = [_prepared(folder, number) for number in tags]
    with _postgresql(tags) as targets:
        if targets:
            moved = [_moved(url, target) for url, target in zip(urls, targets, strict=True)]
            _measured("PostgreSQL", moved, tags)
    _measured("SQLite", urls, tags)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large", description=__doc__)
    parser.add_argument("--tags", type=int, default=1_000_000, help="(default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="a hundred thousand tags")
    parser.add_argument("--keep", type=Path, help="make the databases in this folder")
    given = parser.parse_args()
    many = 100_000 if given.quick else given.tags
    print(description())
    print(f"{'':11}load before: {load()}")
    with tempfile.TemporaryDirectory() as folder:
        _run(given.keep or Path(folder), (_FEW, many))


if __name__ == "__main__":
    main()
