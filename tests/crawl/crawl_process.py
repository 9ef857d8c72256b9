"""A process that crawls when it is told to, in a child that somebody may kill.

    python -m tests.crawl.crawl_process HOST

For each line on its input, the number of processes that crawl and a database URL, it starts a
crawl and prints the child's number, then, when the child has ended, how. The children are forks:
what a start would cost is paid once.
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime
from typing import Final

from mfl_lint.config import Config, CrawlConfig, CredentialsConfig, RegistryConfig
from mfl_lint.crawl.crawler import Crawler
from mfl_lint.demo.images import DEMO_POLICY
from mfl_lint.registry.transport import Transport
from mfl_lint.rules import discover
from mfl_lint.store import registries
from mfl_lint.store.engine import open_store

ANONYMOUS: Final = CredentialsConfig(anonymous=True)


def now() -> datetime:
    """Return the time, aware UTC."""
    return datetime.now(UTC)


async def crawl(host: str, processes: int, url: str) -> None:
    """Crawl the registry at the host once, to the end. A 404 is confirmed at once."""
    registry = RegistryConfig(name="here", host=host, credentials=ANONYMOUS)
    settings = CrawlConfig(confirm_gone_s=0.0, lease_s=3600.0, processes=processes)
    config = Config(registries=(registry,), crawl=settings, policy=DEMO_POLICY)
    async with open_store(url) as store, Transport(config.http) as transport:
        await registries.sync_registries(store, config.registries, now())
        ended = await Crawler(store, transport, config, now, url=url).crawl("here")
    if ended is None or ended.problem:
        raise RuntimeError(ended)


def main() -> None:
    """Serve the requests on standard input."""
    discover()  # imports all rules, which no child has to do then
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            processes, url = line.split()
            asyncio.run(crawl(sys.argv[1], int(processes), url))
            os._exit(0)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
