"""Serve pages and crawl on schedule, in one process, until somebody ends it."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from aiohttp import web

from mfl_lint.config import Config
from mfl_lint.core.errors import ConfigInvalid
from mfl_lint.service.crawling import open_crawler
from mfl_lint.service.server import Server, check_guarded, check_served

LOOKS_EVERY_S: Final = 30.0
_DRAIN_S: Final = 5.0


async def serve(
    load: Callable[[], Config],
    *,
    ready: Callable[[str], None],
    stop: asyncio.Event | None = None,
    looks_every_s: float = LOOKS_EVERY_S,
    insecure: bool = False,
) -> None:
    """Serve pages and crawl on schedule until SIGTERM, SIGINT or `stop`; SIGHUP reloads.

    `load` reads the configuration; `ready` is told the address when pages answer. Looks that
    were asked for are made every `looks_every_s`. `insecure`: nobody need be known for others
    than this machine to read.
    """
    config = load()
    check_served(config)
    ended = stop or asyncio.Event()
    async with open_crawler(config) as (store, crawler):
        await check_guarded(store, config, insecure=insecure)
        server = Server(store, crawler, load, looks_every_s=looks_every_s, insecure=insecure)
        async with _listening(server.application(), config) as address:
            with _handled(_handlers(ended, server)):
                try:
                    await server.start()
                    ready(address)
                    await ended.wait()
                finally:
                    await server.stop()


def _handlers(ended: asyncio.Event, server: Server) -> Mapping[signal.Signals, Callable[[], None]]:
    return {
        signal.SIGTERM: ended.set,
        signal.SIGINT: ended.set,
        signal.SIGHUP: server.ask_reload,
    }


@contextmanager
def _handled(handlers: Mapping[signal.Signals, Callable[[], None]]) -> Iterator[None]:
    """Handle signals in the event loop while the context lasts."""
    loop = asyncio.get_running_loop()
    for number, handler in handlers.items():
        loop.add_signal_handler(number, handler)
    try:
        yield
    finally:
        for number in handlers:
            loop.remove_signal_handler(number)


@asynccontextmanager
async def _listening(app: web.Application, config: Config) -> AsyncIterator[str]:
    """Yield the address at which the application answers."""
    host, port = config.serve.host, config.serve.port
    if host == "localhost":
        # That name may be two addresses, and with port 0 these would get different ports.
        host = "127.0.0.1"
    # Bodies stay as they are sent: signatures are over those bytes, and nothing unpacks a bomb.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_DRAIN_S, auto_decompress=False)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            known = error.errno in errno.errorcode
            reason = os.strerror(error.errno) if known and error.errno else error.strerror
            raise ConfigInvalid(
                f"serve.port: cannot listen on {host} port {port}: {reason}"
            ) from None
        bound = runner.addresses[0][1]
        yield f"http://{'[::1]' if host == '::1' else host}:{bound}/"
    finally:
        await runner.cleanup()
