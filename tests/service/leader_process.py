"""A service that leads or waits to, in a process of its own that somebody may kill.

    python -m tests.service.leader_process SETTINGS EVERY_S

It has each registry crawled that often, and prints the number of its leadership when it begins.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from mfl_lint.config_file import load_config
from mfl_lint.service.dispatch import Dispatch
from mfl_lint.store.engine import open_store
from tests.service.fleet import now


async def lead(file: Path, every_s: float) -> None:
    """Lead whenever nobody else does."""
    config = load_config(file)
    async with open_store(config.database.url) as store:

        async def led() -> None:
            print(dispatch.fence, flush=True)

        dispatch = Dispatch(store, config.database.url, lambda: config, now, led)
        running = asyncio.ensure_future(dispatch.run())
        while not running.done():
            for registry in config.registries:
                await dispatch.crawl(registry.name)
            await asyncio.sleep(every_s)


if __name__ == "__main__":
    asyncio.run(lead(Path(sys.argv[1]), float(sys.argv[2])))
