"""A process that dispatches alerts of one database until it is killed.

    python -m tests.service.dispatching_process DATABASE RECEIVER

It prints a line when it begins. Waits and leases are short, so that an ordeal is.
"""

from __future__ import annotations

import asyncio
import sys
from random import Random

from mfl_lint.alert.posting import Poster
from mfl_lint.alert.sending import Sender
from mfl_lint.config import Config
from mfl_lint.service import alerting
from mfl_lint.service.crawling import utc_now
from mfl_lint.store.engine import open_store
from tests.service.alerted import settings


async def _main(database: str, receiver: str) -> None:
    config = Config(alert=settings(receiver, timeout_s=0.3))
    async with open_store(database) as store, Poster() as poster:
        sender = Sender(poster, {}, utc_now)
        running = alerting.Dispatcher(
            store, lambda: config, sender, utc_now, Random(), spare_lease_s=0.4, haste=0.02
        )
        print("began", flush=True)
        await running.run(0.02)


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
