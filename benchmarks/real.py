"""Measure a crawl of a real docker-registry against the bare loop over the same documents.

    python -m benchmarks.real [--repositories N] [--rounds N]

The registry's storage is written as its own pushes would leave it, because the layers that the
manifests name are nowhere, and a push of them would be refused.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.bare import fetch_and_hash
from benchmarks.crawl import say, spread
from benchmarks.images import TAGS, Content, is_broken, repository_names, tag_contents
from benchmarks.machine import description, load
from benchmarks.measure import timed
from tests.servers import DockerRegistry

_ROOT: Final = Path(__file__).resolve().parent.parent


def contents(repositories: int) -> Iterator[tuple[str, Content]]:
    """Yield each repository's name and every document that is in it."""
    for number, repository in enumerate(repository_names(repositories)):
        for place, tag in enumerate(TAGS):
            for content in tag_contents(repository, tag, broken=is_broken(number, place)):
                yield repository, content


def fill(storage: Path, repositories: int) -> None:
    """Write the documents as docker-registry's file system driver keeps them."""
    registry = storage / "docker/registry/v2"
    for repository, content in contents(repositories):
        hexadecimal = content.digest.removeprefix("sha256:")
        _write(registry / "blobs/sha256" / hexadecimal[:2] / hexadecimal / "data", content.raw)
        here = registry / "repositories" / repository
        links = [
            here / ("_layers/sha256" if content.kind == "blobs" else "_manifests/revisions/sha256")
        ]
        if content.name != content.digest:
            tag = here / "_manifests/tags" / content.name
            links.append(tag / "index/sha256")
            _write(tag / "current/link", content.digest.encode())
        for link in links:
            _write(link / hexadecimal / "link", content.digest.encode())


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


async def measure_bare(host: str, repositories: int) -> dict[str, Any]:
    """Return the figures of the bare loop over every distinct document."""
    paths = [f"/v2/{name}/{one.kind}/{one.name}" for name, one in contents(repositories)]

    async def work() -> dict[str, int]:
        return {"documents": await fetch_and_hash(host, paths)}

    figures = await timed(work())
    if figures["documents"] != len(paths):
        raise RuntimeError(f"{figures['documents']} of {len(paths)} documents were there")
    return figures


def _run(module: object, *given: object) -> dict[str, Any]:
    command = [sys.executable, "-m", f"benchmarks.{module}", *map(str, given)]
    done = subprocess.run(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def _rounds(host: str, repositories: int, count: int) -> Iterator[dict[str, float]]:
    for number in range(count):
        with tempfile.TemporaryDirectory() as folder:
            database = Path(folder) / "bench.db"
            crawl = ("measure", "crawl", host, database)
            steps: dict[str, tuple[object, ...]] = {
                "bare": ("real", "--bare", host, "--repositories", repositories),
                "crawl": crawl,
                "warm": crawl,
            }
            order = ("bare", "crawl", "warm") if number % 2 == 0 else ("crawl", "warm", "bare")
            found = {}
            for what in order:
                say(f"round {number + 1} of {count}: {what} … ")
                found[what] = _run(*steps[what])["wall_s"]
            yield found
    say("")


def _print(rounds: Sequence[dict[str, float]], tags: int) -> None:
    print(f"\n{'':24}{'seconds':22}ms a tag")
    for title, what in (
        ("bare loop", "bare"),
        ("crawl into SQLite", "crawl"),
        ("the same again, warm", "warm"),
    ):
        wall = [one[what] for one in rounds]
        print(f"{title:24}{spread(wall):22}{statistics.median(wall) / tags * 1000:6.2f}")
    ratios = [one["bare"] / one["crawl"] for one in rounds]
    print(f"\n{'bare loop ÷ crawl':24}{spread(ratios)}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repositories", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bare", metavar="HOST", help="measure the loop only, as one line of JSON")
    given = parser.parse_args()
    if given.bare:
        print(json.dumps(asyncio.run(measure_bare(given.bare, given.repositories))))
        return
    tags = given.repositories * len(TAGS)
    before = load()
    with tempfile.TemporaryDirectory() as folder:
        say("filling a docker-registry … ")
        fill(Path(folder) / "storage", given.repositories)
        with DockerRegistry(Path(folder)) as registry:
            rounds = list(_rounds(registry.host, given.repositories, given.rounds))
    print(description())
    print(f"size       docker-registry, {given.repositories} repositories × {len(TAGS)} tags;")
    print(f"           {given.rounds} rounds: median (least–most); load before: {before}")
    _print(rounds, tags)


if __name__ == "__main__":
    main()
