"""Serve pages and crawl on schedule, in one process."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from mfl_lint.config import Config
from mfl_lint.core.errors import ConfigInvalid, MflLintError
from mfl_lint.crawl.crawler import Crawler
from mfl_lint.crawl.schedule import Schedule, trigger_of
from mfl_lint.rules import discover
from mfl_lint.service.crawling import open_crawler, utc_now
from mfl_lint.store import crawls, looks, registries
from mfl_lint.store.engine import Store
from mfl_lint.web.application import create_app
from mfl_lint.web.services import Services

_LOG: Final = logging.getLogger("mfl_lint")
_LOOKS_EVERY_S: Final = 30.0
_LOOKS_AT_ONCE: Final = 100
_DRAIN_S: Final = 10.0


class Server:
    """The long-running service: schedule and pages over one store."""

    def __init__(self, store: Store, crawler: Crawler, load: Callable[[], Config]) -> None:
        self._store = store
        self._crawler = crawler
        self._load = load
        self._schedule = Schedule(self._crawl)
        self._asked: set[asyncio.Task[None]] = set()

    def application(self) -> web.Application:
        """Return the pages."""
        services = Services(
            store=self._store,
            config=lambda: self._crawler.config,
            rules=discover(),
            now=utc_now,
            next_crawl=self._schedule.next_run,
            request_crawl=self._request,
            live=self._crawler.live,
        )
        return create_app(services)

    async def start(self) -> None:
        """Plan the crawls and begin."""
        await self._plan()
        self._schedule.every(_LOOKS_EVERY_S, self._drain_looks)
        self._schedule.start()

    async def stop(self) -> None:
        """Begin nothing more and break off what runs: it goes on at the next start."""
        self._schedule.stop()
        for task in self._asked:
            task.cancel()
        await asyncio.gather(*self._asked, return_exceptions=True)

    async def reload(self) -> None:
        """Read the configuration again; a bad one is said and changes nothing."""
        try:
            config = self._load()
            for registry in config.registries:
                trigger_of(registry, config.crawl.jitter)
        except MflLintError as error:
            _LOG.error("the configuration was not reloaded: %s", error)
            return
        self._crawler.config = config
        await registries.sync_registries(self._store, config.registries, utc_now())
        await self._plan()
        _LOG.info("the configuration was reloaded: %d registries", len(config.registries))

    async def _plan(self) -> None:
        config, last = self._crawler.config, {}
        for registry in config.registries:
            page = await crawls.crawls(self._store, registry.name, None, 1)
            if page.items:
                last[registry.name] = page.items[0].started_at
        self._schedule.plan(config.registries, jitter=config.crawl.jitter, last=last, now=utc_now())

    async def _crawl(self, name: str) -> None:
        """Crawl and log; a failure ends this crawl, never the service."""
        task = asyncio.current_task()
        if task is not None:
            self._asked.add(task)
        try:
            progress = await self._crawler.crawl(name)
            if progress is not None:
                _LOG.info("crawled %s: %d tags. %s", name, progress.tags, progress.problem)
        except MflLintError as error:
            _LOG.error("the crawl of %s ended early: %s", name, error)
        except Exception:
            _LOG.exception("the crawl of %s broke", name)
        finally:
            if task is not None:
                self._asked.discard(task)

    async def _request(self, name: str) -> bool:
        """Crawl now, in the background; False where it is running or unknown."""
        running = {record.registry for record in self._crawler.live()}
        if self._crawler.config.registry(name) is None or name in running:
            return False
        task = asyncio.create_task(self._crawl(name))
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)
        return True

    async def _drain_looks(self) -> None:
        """Look at what somebody asked to be looked at, registry by registry."""
        taken = await looks.take_looks(self._store, _LOOKS_AT_ONCE, now=utc_now())
        wanted: dict[str, set[str]] = {}
        for request in taken:
            wanted.setdefault(request.registry, set()).add(request.repository)
        for name, repositories in wanted.items():
            progress = await self._crawler.crawl(name, only=sorted(repositories))
            if progress is None:
                continue
            for request in taken:
                if request.registry == name:
                    await looks.done_look(self._store, request.id)


async def serve(
    load: Callable[[], Config], *, ready: Callable[[str], None], stop: asyncio.Event | None = None
) -> None:
    """Serve pages and crawl on schedule until SIGTERM, SIGINT or `stop`; SIGHUP reloads.

    `load` reads the configuration; `ready` is told the address when pages answer.
    """
    config = load()
    ended = stop or asyncio.Event()
    async with open_crawler(config) as (store, crawler):
        server = Server(store, crawler, load)
        loop = asyncio.get_running_loop()
        reloads: set[asyncio.Task[None]] = set()

        def reload() -> None:
            task = loop.create_task(server.reload())
            reloads.add(task)
            task.add_done_callback(reloads.discard)

        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, ended.set)
        loop.add_signal_handler(signal.SIGHUP, reload)
        async with _listening(server.application(), config) as address:
            await server.start()
            ready(address)
            try:
                await ended.wait()
            finally:
                await server.stop()


@asynccontextmanager
async def _listening(app: web.Application, config: Config) -> AsyncIterator[str]:
    """Yield the address at which the application answers; loopback only."""
    host, port = config.serve.host, config.serve.port
    if host not in ("127.0.0.1", "::1", "localhost"):
        raise ConfigInvalid(
            f"serve.host: {host} is not loopback; there is no access control yet, so put a "
            "reverse proxy with authentication in front of 127.0.0.1"
        )
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_DRAIN_S)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise ConfigInvalid(
                f"serve.port: cannot listen on {host}:{port}: {error.strerror}"
            ) from None
        bound = runner.addresses[0][1]
        yield f"http://{'[::1]' if host == '::1' else host}:{bound}/"
    finally:
        await runner.cleanup()
