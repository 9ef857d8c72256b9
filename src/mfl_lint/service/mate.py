"""A process that helps another one with a crawl: it is told which repositories, and answers.

    python -m mfl_lint.service.mate

It reads and writes messages of `crawl/messages.py`, is started by `crawl/crew.py` only, and ends
when its standard input does: whoever started it has ended then, in whatever way.
"""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import msgspec

from mfl_lint.core.errors import LeaseLost, MflLintError
from mfl_lint.crawl.crawler import Crawler
from mfl_lint.crawl.job import Job
from mfl_lint.crawl.messages import Answer, Note, Order, Start, framed, next_message
from mfl_lint.crawl.repository import crawl_repository
from mfl_lint.registry.client import RegistryClient
from mfl_lint.registry.credentials import Keychain
from mfl_lint.registry.transport import Transport
from mfl_lint.service.crawling import utc_now
from mfl_lint.service.memory import calm_collector
from mfl_lint.store.engine import open_store

Send = Callable[[object], None]


class _Sent(logging.Handler):
    """Sends what is logged to whoever started this process."""

    def __init__(self, send: Send) -> None:
        super().__init__(logging.WARNING)
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        try:
            trace = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
            self._send(Note(record.name, record.levelno, record.getMessage(), trace))
        except Exception:
            self.handleError(record)


class _Hand:
    """Crawls repositories of one crawl. `send` takes the answers."""

    def __init__(self, job: Job, transport: Transport, crawl_id: int, send: Send) -> None:
        self._job = job
        self._transport = transport
        self._crawl_id = crawl_id
        self._send = send
        self._layers = 0

    async def crawl(self, order: Order) -> None:
        """Crawl a repository and answer."""
        result, error = None, None
        try:
            result = await crawl_repository(self._job, self._crawl_id, order.repository)
        except LeaseLost:
            result = None
        except Exception as failure:
            error = _portable(failure)
        before = self._layers
        self._layers = self._job.inside.layers if self._job.inside else 0
        traffic, layers = self._transport.stats.take(), self._layers - before
        self._send(Answer(order.repository, result, error, traffic, layers))


def _portable(error: Exception) -> Exception:
    """Return the error as the other process can raise it."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  # what was written here
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


@asynccontextmanager
async def _hand(start: Start, send: Send) -> AsyncIterator[_Hand]:
    """Open what the crawl needs."""
    named = start.config.registry(start.registry)
    if named is None:
        raise RuntimeError(f"no registry {start.registry}")
    registry = msgspec.structs.replace(named, concurrency=start.concurrency)
    environment = dict(os.environ)
    async with (
        open_store(start.url, at_once=True) as store,
        Transport(start.config.http, environment=environment) as transport,
    ):
        client = RegistryClient(registry, transport, keychain=Keychain.load(environment))
        job = Crawler(store, transport, start.config, utc_now).job(registry, client)
        job = replace(job, round_since=start.round_since, partial=start.partial)
        yield _Hand(job, transport, start.crawl_id, send)


async def _serve(reader: asyncio.StreamReader, send: Send) -> None:
    """Do what is ordered until nobody orders any more; then break off what is being done."""
    start = await next_message(reader)
    if start is None:
        return
    async with _hand(start, send) as hand:
        tasks: set[asyncio.Task[None]] = set()
        while (order := await next_message(reader)) is not None:
            task = asyncio.create_task(hand.crawl(order))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _main() -> int:
    # What anything prints must not get between the messages.
    out = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    loop.add_signal_handler(signal.SIGTERM, reader.feed_eof)
    with os.fdopen(out, "wb", buffering=0) as pipe:
        one_at_a_time = threading.Lock()

        def send(message: object) -> None:
            left = memoryview(framed(message))
            try:
                with one_at_a_time:
                    while left:
                        left = left[pipe.write(left) or 0 :]
            except OSError:  # whoever asked is gone
                loop.call_soon_threadsafe(reader.feed_eof)

        logging.getLogger().addHandler(_Sent(send))
        try:
            await _serve(reader, send)
        except MflLintError as error:
            logging.getLogger(__name__).warning("a helping process could not begin: %s", error)
            return 1
    return 0


def main() -> None:
    """Help until the standard input ends. Ctrl-C is for whoever started this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    calm_collector()
    sys.exit(asyncio.run(_main()))


if __name__ == "__main__":
    main()
