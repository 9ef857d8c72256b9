"""A process that crawls a registry and scans one of its tags, and says how much memory it took.

    python -m tests.crawl.measured_process HOST DATABASE REPOSITORY TAG

Prints the most bytes that it ever had in memory, the tag's state as stored, and as scanned.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from mfl_lint.config import Config, HttpConfig, RegistryConfig
from mfl_lint.core.policy import Policy
from mfl_lint.core.reference import Reference
from mfl_lint.crawl.crawler import Crawler
from mfl_lint.crawl.scan import Asked, scan
from mfl_lint.registry.client import RegistryClient
from mfl_lint.registry.transport import Transport
from mfl_lint.rules import discover
from mfl_lint.store import observations, registries
from mfl_lint.store.engine import open_store
from tests.crawl.crawl_process import ANONYMOUS, now


async def run(host: str, url: str, repository: str, tag: str) -> tuple[str, str]:
    """Crawl the registry and scan the tag; return how the tag's looks ended."""
    registry = RegistryConfig(name="here", host=host, credentials=ANONYMOUS)
    config = Config(registries=(registry,), http=HttpConfig(timeout_s=10.0, retries=1))
    async with open_store(url) as store, Transport(config.http) as transport:
        await registries.sync_registries(store, config.registries, now())
        await Crawler(store, transport, config, now).crawl("here")
        source = RegistryClient(registry, transport)

        async def groups() -> AsyncIterator[Asked]:
            yield Asked(source, registry, (Reference(host, repository, tag),))

        made = await scan(groups(), rules=discover(), policy=Policy(), now=now)
        held = await registries.repository(store, "here", repository)
        states = await observations.known_tags(store, held.id) if held else {}
    stored = states.get(tag)
    target = made.targets[0]
    scanned = [str(target.state), *(str(one.state) for one in target.platforms)]
    return "complete" if stored and stored.complete else "incomplete", ",".join(scanned)


def peak_bytes() -> int:
    """Return the most memory that this program ever had.

    `ru_maxrss` is no less than that of the process that started this one.
    """
    found = re.search(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


if __name__ == "__main__":
    ended = asyncio.run(run(*sys.argv[1:]))
    print(peak_bytes(), *ended)
