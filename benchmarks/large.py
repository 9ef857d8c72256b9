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
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
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
_SECONDS: Final = 2.0
_KEPT: Final = RetentionConfig(history_s=180 * _DAY_S, crawls_s=30 * _DAY_S, documents_s=_DAY_S)


class Crawled(NamedTuple):
    """What a crawl of unchanged tags took."""

    tags_a_second: float
    peak_mib: float


class Large(NamedTuple):
    """All figures of one database."""

    tags: int
    crawl: Crawled
    pages: dict[str, float]
    bytes_a_tag: float
    retained: str


def _crawl(url: str, host: str) -> Crawled:
    command = [sys.executable, "-m", "benchmarks.measure", "crawl", host, url, REGISTRY]
    done = subprocess.run(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True, check=True)
    said = json.loads(done.stdout)
    return Crawled(said["tags"] / said["wall_s"], said["peak_mib"])


def _pages(url: str, host: str) -> dict[str, float]:
    """Return the median milliseconds of each page, made anew for each request, one at a time."""
    repository = repository_name(7)
    with (
        Talking.to("benchmarks.page_server", "anew", url, host) as server,
        Talking.to("benchmarks.load", greets=False) as loader,
    ):
        port = int(server.heard)
        paths = {
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
        return {
            name: statistics.median(
                loader.ask_json(f"{port} {_SECONDS} 1 {path}")["p50_ms"] for _ in range(3)
            )
            for name, path in paths.items()
        }


async def _keep(url: str) -> tuple[int, float]:
    """Return the bytes of the database, and print what retention took away in what time."""
    async with open_store(url) as store:
        taken = (await sizes.sizes(store)).bytes
        begun = time.monotonic()
        removed = await retention.retain(store, _KEPT, datetime.now(UTC))
        await sizes.give_back(store)
        spent_s = time.monotonic() - begun
    rows = sum(removed.values())
    print(f"{'':12}retention removed {rows} rows in {spent_s:.1f} s", flush=True)
    return taken, spent_s


def _measured(name: str, url: str, tags: int, host: str) -> Large:
    print(f"{name:12}{tags:,} tags", flush=True)
    crawl = _crawl(url, host)
    print(f"{'':12}crawl: {crawl.tags_a_second:.0f} tags/s, {crawl.peak_mib:.0f} MiB", flush=True)
    pages = _pages(url, host)
    shown = ", ".join(f"{page} {ms:.1f}" for page, ms in pages.items())
    print(f"{'':12}pages, ms: {shown}", flush=True)
    taken, spent_s = asyncio.run(_keep(url))
    print(f"{'':12}{taken / tags:.0f} bytes a tag", flush=True)
    return Large(tags, crawl, pages, taken / tags, f"{spent_s:.1f}")


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


def _ratios(name: str, few: Large, many: Large) -> None:
    def told(what: str, ratio: float, most: float) -> None:
        missed = "" if ratio <= most else f"  missed: {most}"
        print(f"{name:12}{what:34}{ratio:6.2f}{missed}")

    told("memory of the crawl", many.crawl.peak_mib / few.crawl.peak_mib, 1.2)
    told("time a tag", few.crawl.tags_a_second / many.crawl.tags_a_second, 1.2)
    for page, ms in many.pages.items():
        told(f"page: {page}", ms / few.pages[page], 1.5)
    print(f"{name:12}{many.bytes_a_tag:.0f} bytes a tag, retention {many.retained} s")


def _run(folder: Path, tags: Sequence[int]) -> None:
    urls = [_prepared(folder, number) for number in tags]
    found: dict[str, list[Large]] = {"SQLite": [], "PostgreSQL": []}
    with _postgresql(tags) as targets:
        for number, url, target in zip(tags, urls, [*targets, "", ""], strict=False):
            if not target:
                continue
            begun = time.monotonic()
            rows = sum(move(url, target).values())
            print(f"{'moved':12}{rows} rows in {time.monotonic() - begun:.1f} s", flush=True)
            with fast_registry(number // TAGS, "formula_registry") as host:
                found["PostgreSQL"].append(_measured("PostgreSQL", target, number, host))
        for number, url in zip(tags, urls, strict=True):
            with fast_registry(number // TAGS, "formula_registry") as host:
                found["SQLite"].append(_measured("SQLite", url, number, host))
    print(f"\nratios of {tags[1]:,} tags to {tags[0]:,}")
    for name, both in found.items():
        if len(both) == 2:
            _ratios(name, *both)


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
