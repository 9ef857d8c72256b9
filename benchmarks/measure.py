"""Measure one thing in a process of its own; the figures are one line of JSON.

    python -m benchmarks.measure bare|lean|scan|crawl HOST [DATABASE [NAME]]

Imports, and for the crawl the making of the database, are done before the clock starts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from benchmarks.bare import fetch_and_hash, fetch_and_hash_lean
from benchmarks.spent import helpers_peak_mib, peak_mib
from mfl_lint.config import Config, CredentialsConfig, DatabaseConfig, HttpConfig, RegistryConfig
from mfl_lint.core.policy import Policy
from mfl_lint.core.reference import Reference
from mfl_lint.crawl.scan import Asked, scan
from mfl_lint.registry.client import RegistryClient
from mfl_lint.registry.transport import Transport
from mfl_lint.rules import discover
from mfl_lint.service.crawling import open_crawler
from mfl_lint.service.memory import calm_collector

NAME: Final = "bench"
# So long takes the start of the processes that help, which is no part of the crawl.
_STARTED_S: Final = 2.0
# They end with the crawl.
_LOOK_S: Final = 0.25


def _registry(host: str, name: str = NAME) -> RegistryConfig:
    return RegistryConfig(name=name, host=host, credentials=CredentialsConfig(anonymous=True))


async def timed(work: Awaitable[dict[str, int]]) -> dict[str, Any]:
    """Return what the work counted, and its seconds and processor seconds."""
    wall, cpu = time.perf_counter(), _cpu_s()
    counted = await work
    return {"wall_s": time.perf_counter() - wall, "cpu_s": _cpu_s() - cpu, **counted}


def _cpu_s() -> float:
    """Return the processor seconds of this process and of those that it started and saw end."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _every_path(host: str) -> list[str]:
    with urllib.request.urlopen(f"http://{host}/urls") as answer:
        return str(answer.read(), "utf-8").splitlines()


async def measure_bare(host: str, *, lean: bool = False) -> dict[str, Any]:
    """Return the figures of the bare loop over every distinct document."""
    paths = await asyncio.to_thread(_every_path, host)
    fetch = fetch_and_hash_lean if lean else fetch_and_hash

    async def work() -> dict[str, int]:
        return {"documents": await fetch(host, paths)}

    return await timed(work())


async def measure_scan(host: str) -> dict[str, Any]:
    """Return the figures of a scan of every tag, listings included."""
    rules, registry = discover(), _registry(host)

    async def asked(client: RegistryClient) -> AsyncIterator[Asked]:
        listing = await client.repositories()
        for repository in listing.names:
            tags = await client.tags(repository)
            references = tuple(Reference(host, repository, tag) for tag in tags.names)
            yield Asked(client, registry, references, all_tags=True, repositories=listing.names)

    async def work() -> dict[str, int]:
        async with Transport(HttpConfig()) as transport:
            client = RegistryClient(registry, transport)
            calm_collector()
            made = await scan(
                asked(client), rules=rules, policy=Policy(), now=lambda: datetime.now(UTC)
            )
        if not made.looked:
            raise RuntimeError("the scan could not look at everything")
        return {"tags": len(made.targets), "findings": len(made.findings)}

    return await timed(work())


async def measure_crawl(host: str, database: str, name: str = NAME) -> dict[str, Any]:
    """Return the figures of a crawl into the database, which is made where there is none."""
    url = database if "://" in database else f"sqlite:///{database}"
    config = Config(registries=(_registry(host, name),), database=DatabaseConfig(url=url))
    async with open_crawler(config, at_once=True) as (_, crawler):
        await asyncio.sleep(_STARTED_S)

        async def work() -> dict[str, int]:
            progress = await crawler.crawl(name)
            if progress is None or progress.problem:
                raise RuntimeError(f"the crawl failed: {progress}")
            return {"tags": progress.tags, "findings": progress.opened}

        helpers = asyncio.ensure_future(_helpers_peak_mib())
        figures = await timed(work())
        helpers.cancel()
        return figures | {"helpers_mib": await helpers}


async def _helpers_peak_mib() -> float:
    """Return, once this is cancelled, the most memory that one of those that help had."""
    most = 0.0
    with suppress(asyncio.CancelledError):
        while True:
            most = max(most, helpers_peak_mib())
            await asyncio.sleep(_LOOK_S)
    return most


async def _measure(what: str, host: str, database: str, name: str) -> dict[str, Any]:
    match what:
        case "bare":
            return await measure_bare(host)
        case "lean":
            return await measure_bare(host, lean=True)
        case "scan":
            return await measure_scan(host)
    return await measure_crawl(host, database, name)


def main() -> None:
    """Measure what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["bare", "lean", "scan", "crawl"])
    parser.add_argument("host")
    parser.add_argument("database", nargs="?", default="", help="a file, or an address")
    parser.add_argument("name", nargs="?", default=NAME, help="the registry's name")
    given = parser.parse_args()
    figures = asyncio.run(_measure(given.what, given.host, given.database, given.name))
    peak = peak_mib() + figures.pop("helpers_mib", 0.0)
    print(json.dumps(figures | {"peak_mib": peak}))


if __name__ == "__main__":
    main()
