"""A crawl that writes into the database while pages are read, in a process of its own.

    python -m benchmarks.writing HOST DATABASE RATE

A first crawl of the registry at HOST: that of `mfl-lint crawl`, at RATE requests a second as any
registry is asked that is not one's own. It prints a line when it begins, ends when its standard
input does, and prints as JSON what it wrote until then.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import suppress
from typing import Any

import msgspec

from benchmarks.page_server import CRAWLED, config_of
from mfl_lint.config import CredentialsConfig, DatabaseConfig
from mfl_lint.service.crawling import open_crawler


async def write(host: str, database: str, rate: float) -> dict[str, Any]:
    """Return what was written."""
    config = config_of(host)
    paced = msgspec.structs.replace(
        config.registries[1], rate=rate, credentials=CredentialsConfig(anonymous=True)
    )
    config = msgspec.structs.replace(
        config,
        registries=(config.registries[0], paced),
        database=DatabaseConfig(url=f"sqlite:///{database}"),
    )
    async with open_crawler(config, at_once=True) as (_, crawler):
        crawl = asyncio.create_task(crawler.crawl(CRAWLED))
        print("begun", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        ended = crawl.done()
        written = crawler.live()
        crawl.cancel()
        with suppress(asyncio.CancelledError):
            await crawl
    spent = os.times()
    return {
        "tags": written[0].tags if written else 0,
        "ended": ended,
        "cpu_s": spent.user + spent.system,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(write(sys.argv[1], sys.argv[2], float(sys.argv[3])))))
