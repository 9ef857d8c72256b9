"""Workers in processes of their own over one PostgreSQL, and rounds that they carry out."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import text

from mfl_lint.config import Config
from mfl_lint.config_file import load_config
from mfl_lint.core.records import CrawlRecord, CrawlStatus
from mfl_lint.service.crawling import bring_up_to_date, sync_registries
from mfl_lint.service.dispatch import Dispatch
from mfl_lint.store import crawls
from mfl_lint.store.engine import Store, open_store
from mfl_lint.store.queue_tables import QUEUE_SCHEMA
from mfl_lint.store.statements import all_rows

_WAITING: Final = text(
    f"SELECT task_name, priority FROM {QUEUE_SCHEMA}.procrastinate_jobs"
    " WHERE status = 'todo' ORDER BY priority DESC, id"
)
ROOT: Final = Path(__file__).parents[2]
SETTINGS: Final = """
[database]
url = "{url}"
[queue]
backend = "postgresql"
stalled = "4s"
[crawl]
confirm_gone = "0s"
[policy]
settle = "0s"
"""
REGISTRY: Final = """
[[registry]]
name = "{name}"
host = "{host}"
credentials = {{ anonymous = true }}
{more}
"""


CONCURRENCY: Final = 4


def now() -> datetime:
    """Return the time, aware UTC."""
    return datetime.now(UTC)


class Fleet:
    """Workers, and the one who has them crawl."""

    def __init__(self, file: Path, config: Config, store: Store, dispatch: Dispatch) -> None:
        self.config = config
        self.store = store
        self.dispatch = dispatch
        self._file = file
        self.workers: list[asyncio.subprocess.Process] = []

    async def hire(self, number: int, concurrency: int = CONCURRENCY) -> None:
        """Start so many more workers."""
        options = ("--concurrency", str(concurrency), "--config", str(self._file))
        for _ in range(number):
            worker = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "mfl_lint", "worker", *options),
                cwd=ROOT,
                stdout=asyncio.subprocess.PIPE,
            )
            self.workers.append(worker)
        for worker in self.workers[-number:]:
            assert worker.stdout is not None
            assert b"works" in await worker.stdout.readline()

    async def kill(self, worker: asyncio.subprocess.Process) -> None:
        """Kill a worker at once."""
        worker.send_signal(signal.SIGKILL)
        await worker.wait()
        self.workers.remove(worker)

    async def round(self, name: str = "here", timeout_s: float = 240.0) -> CrawlRecord:
        """Have a registry crawled, and return how that ended."""
        await self.begin(name)
        return await self.ended(name, timeout_s)

    async def begin(self, name: str = "here") -> None:
        """Have a registry crawled."""
        until = time.monotonic() + 10
        while not await self.dispatch.crawl(name):
            assert time.monotonic() < until
            await asyncio.sleep(0.05)

    async def round_started(self, name: str = "here") -> CrawlRecord:
        """Have a registry crawled, and return the crawl as it begins."""
        await self.begin(name)
        return await self.last(name)

    async def interrupt(self, name: str = "here") -> None:
        """End the last crawl as if another one had begun."""
        last = await self.last(name)
        await crawls.finish_crawl(self.store, last.id, CrawlStatus.INTERRUPTED, "", now())

    async def waiting(self) -> list[tuple[str, int]]:
        """Return the jobs that wait, with their priorities, in the order in which they are done."""
        rows = await self.store.read(all_rows, _WAITING)
        return [(row.task_name, row.priority) for row in rows]

    async def last(self, name: str = "here") -> CrawlRecord:
        """Return the last crawl."""
        return (await crawls.crawls(self.store, name, limit=1, whole=True)).items[0]

    async def first_ended(self, name: str = "here") -> None:
        """Wait until a crawl has ended."""
        async with asyncio.timeout(60.0):
            while True:
                begun = (await crawls.crawls(self.store, name, limit=100)).items
                if any(one.finished_at for one in begun):
                    return
                await asyncio.sleep(0.05)

    async def ended(self, name: str = "here", timeout_s: float = 240.0) -> CrawlRecord:
        """Return how the last crawl ended; it may not stand still for so long."""
        done, since = -1, time.monotonic()
        while True:
            last = await self.last(name)
            if last.status is not CrawlStatus.RUNNING:
                return last
            if last.repositories_done != done:
                done, since = last.repositories_done, time.monotonic()
            assert time.monotonic() - since < timeout_s
            await asyncio.sleep(0.05)


@asynccontextmanager
async def fleet_of(
    folder: Path,
    url: str,
    hosts: Sequence[tuple[str, str, str]],
    *,
    leads: bool = True,
    settings: str = "",
) -> AsyncIterator[Fleet]:
    """Yield a fleet without workers, for registries: name, host, and more settings of each.

    Unless it `leads`, somebody else is to have them crawled. `settings` are more of them.
    """
    file = folder / "fleet.toml"
    named = (REGISTRY.format(name=name, host=host, more=more) for name, host, more in hosts)
    file.write_text(SETTINGS.format(url=url) + settings + "".join(named))
    config: Config = load_config(file)
    await asyncio.to_thread(bring_up_to_date, config, url)
    async with open_store(url) as store:
        await sync_registries(store, config)

        async def led() -> None:
            return None

        dispatch = Dispatch(store, url, lambda: config, now, led)
        running = asyncio.ensure_future(dispatch.run() if leads else asyncio.sleep(0))
        fleet = Fleet(file, config, store, dispatch)
        try:
            yield fleet
        finally:
            for worker in fleet.workers:
                os.kill(worker.pid, signal.SIGKILL)
                await worker.wait()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
