"""A process that dispatches alerts when it is told to, in a child that somebody kills.

    python -m tests.service.dispatching_process RECEIVER

For each database URL on its input it starts a dispatcher, which goes on until it is killed, and
prints the child's number when it began; then, when the child has ended, how. The children are
forks: what a start would cost is paid once. Waits and leases are short, so that an ordeal is.
"""

from __future__ import annotations

import asyncio
import os
import sys
from random import Random

from mfl_lint.alert.posting import Poster
from mfl_lint.alert.sending import Sender
from mfl_lint.config import Config
from mfl_lint.service import alerting
from mfl_lint.service.crawling import utc_now
from mfl_lint.store.engine import open_store
from tests.service.alerted import settings


async def _dispatch(database: str, receiver: str) -> None:
    config = Config(alert=settings(receiver, timeout_s=0.3))
    async with open_store(database) as store, Poster() as poster:
        sender = Sender(poster, {}, utc_now)
        running = alerting.Dispatcher(
            store, lambda: config, sender, utc_now, Random(), spare_lease_s=0.4, haste=0.02
        )
        print(os.getpid(), flush=True)
        await running.run(0.02)


def main() -> None:
    """Serve the requests on standard input."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            asyncio.run(_dispatch(line.strip(), sys.argv[1]))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
