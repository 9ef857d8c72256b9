"""Serve pages and crawl on schedule, in one process, until somebody ends it."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from aiohttp import web

from mfl_lint.config import Config
from mfl_lint.config_serve import ServeConfig
from mfl_lint.core.errors import ConfigInvalid
from mfl_lint.service.crawling import database_url, open_crawler, utc_now
from mfl_lint.service.people import is_there
from mfl_lint.service.reloading import handled
from mfl_lint.service.secrets import missing_secrets
from mfl_lint.service.server import Server, check_guarded, check_known, check_served
from mfl_lint.service.soundness import wrong_with_service
from mfl_lint.store.engine import Store
from mfl_lint.store.users import all_users
from mfl_lint.web import access_log

LOOKS_EVERY_S: Final = 30.0
_LOG: Final = logging.getLogger("mfl_lint")
DRAIN_S: Final = 5.0


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
    await _check_before(config, insecure=insecure)
    ended = stop or asyncio.Event()
    async with open_crawler(config) as (store, crawler):
        await check_guarded(store, config, insecure=insecure)
        queue_url = database_url(config) if config.queue.backend == "postgresql" else ""
        server = Server(
            store,
            crawler,
            load,
            looks_every_s=looks_every_s,
            insecure=insecure,
            queue_url=queue_url,
        )
        async with _listening(server.application(), config) as address:
            await _run(server, store, config, partial(ready, address), ended)


async def _run(
    server: Server,
    store: Store,
    config: Config,
    ready: Callable[[], None],
    ended: asyncio.Event,
) -> None:
    with handled(_handlers(ended, server)):
        try:
            await server.start()
            await _warn(store, config)
            ready()
            await ended.wait()
        finally:
            await server.stop()
            _LOG.info("the service has ended")


async def _check_before(config: Config, *, insecure: bool) -> None:
    """Raise ConfigInvalid for what can be known to fail while nothing is begun or created."""
    check_served(config)
    if not await is_there(config):
        check_known(config.serve, has_users=False, insecure=insecure)
    check_free(config.serve)


def check_free(serve: ServeConfig, cure: str = "") -> None:
    """Raise ConfigInvalid where pages cannot be served, before anything else is begun.

    `cure` is what to do about it.
    """
    if not serve.port:
        return
    host = _address(serve)
    try:
        kind, _, _, _, place = socket.getaddrinfo(
            host or None, serve.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(kind, socket.SOCK_STREAM) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(place)
            tried.listen()
    except OSError as error:
        raise _cannot_listen(host, serve.port, error, cure) from None


def _address(serve: ServeConfig) -> str:
    # "localhost" may be two addresses, and with port 0 these would get different ports.
    return "127.0.0.1" if serve.host == "localhost" else serve.host


def _cannot_listen(host: str, port: int, error: OSError, cure: str = "") -> ConfigInvalid:
    known = error.errno in errno.errorcode
    reason = os.strerror(error.errno) if known and error.errno else error.strerror
    advice = cure or ("; --port chooses another" if error.errno == errno.EADDRINUSE else "")
    return ConfigInvalid(f"serve.port: cannot listen on {host} port {port}: {reason}{advice}")


async def _warn(store: Store, config: Config) -> None:
    """Say what is valid and still not what anybody wants."""
    for line in missing_secrets(config, os.environ):
        _LOG.warning("%s; set it where the service runs, or take it out of the configuration", line)
    known = frozenset(user.name for user in await all_users(store))
    for check in wrong_with_service(config, known):
        _LOG.warning("%s: %s; %s", check.what, check.said, check.cure)


def _handlers(ended: asyncio.Event, server: Server) -> Mapping[signal.Signals, Callable[[], None]]:
    return {
        signal.SIGTERM: ended.set,
        signal.SIGINT: ended.set,
        signal.SIGHUP: server.ask_reload,
    }


@asynccontextmanager
async def _listening(app: web.Application, config: Config) -> AsyncIterator[str]:
    """Yield the address at which the application answers."""
    host, port = _address(config.serve), config.serve.port
    wanted = config.serve.access_log != "off"
    # Packed bodies are refused unread: signatures are over what was sent.
    runner = web.AppRunner(
        app,
        access_log=logging.getLogger(access_log.LOGGER) if wanted else None,
        access_log_class=access_log.access_log(config.serve, utc_now),
        shutdown_timeout=DRAIN_S,
        auto_decompress=False,
    )
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise _cannot_listen(host, port, error) from None
        bound = runner.addresses[0][1]
        yield f"http://{'[::1]' if host == '::1' else host}:{bound}/"
    finally:
        await runner.cleanup()
