"""One server of the pages' benchmark, in a process of its own.

    python -m benchmarks.page_server empty|kept|anew|raw DATABASE HOST [PATH ...]

It prints its port when it is ready, the processor seconds that it has spent for each line of its
standard input, and ends with that. All are set up as the service sets up its own server.

empty   an application with one handler and no middlewares, which answers nothing
kept    the service's application, as it is
anew    the same; but the mark of what an answer depends on moves with every request, so that
        nothing that is kept of whole answers can be sent again
raw     a handler per path that runs, on one sqlite3 connection and in the event loop, the very
        statements that the service runs for it, and sends the rows as json.dumps writes them
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import ClientSession, web

from benchmarks.filled import HOST, REGISTRY
from benchmarks.recorded import Replay, recorded
from mfl_lint.config import Config, RegistryConfig
from mfl_lint.rules import discover
from mfl_lint.service.crawling import utc_now
from mfl_lint.service.memory import calm_collector
from mfl_lint.store.engine import open_store
from mfl_lint.web.application import create_app
from mfl_lint.web.freshness import FRESHNESS, Freshness
from mfl_lint.web.services import Services

KINDS: Final = ("empty", "kept", "anew", "raw")
# The registry that is crawled meanwhile.
CRAWLED: Final = "crawled"


def config_of(host: str) -> Config:
    """Return the settings of the service: the filled registry, and the one that is crawled."""
    return Config(registries=(RegistryConfig(REGISTRY, HOST), RegistryConfig(CRAWLED, host)))


class _Moving(Freshness):
    """Marks that never hold."""

    _numbers = itertools.count()

    async def mark(self, registry: str | None, sees: frozenset[str] | None = None) -> Hashable:
        return await super().mark(registry, sees), next(self._numbers)


@asynccontextmanager
async def _service(database: str, host: str, *, anew: bool) -> AsyncIterator[web.Application]:
    config = config_of(host)
    async with open_store(database if "://" in database else f"sqlite:///{database}") as store:
        services = Services(
            store=store,
            config=lambda: config,
            rules=discover(),
            now=utc_now,
            next_crawl=lambda name: None,
            live=lambda: (),
        )
        app = create_app(services)
        if anew:
            app[FRESHNESS] = _Moving(services)
        yield app


@asynccontextmanager
async def _empty() -> AsyncIterator[web.Application]:
    async def nothing(request: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.router.add_get("/", nothing)
    yield app


@asynccontextmanager
async def _raw(database: str, host: str, paths: Sequence[str]) -> AsyncIterator[web.Application]:
    """Yield the application that says again what the service said to the database."""
    said = {}
    with recorded() as statements:
        async with (
            _service(database, host, anew=True) as app,
            _listening(app) as port,
            ClientSession(raise_for_status=True) as session,
        ):
            for path in paths:
                for _ in range(2):  # the first time, more is asked for once
                    statements.clear()
                    async with session.get(f"http://127.0.0.1:{port}{path}") as answer:
                        await answer.read()
                said[path] = tuple(statements)
    replay = Replay(database)
    raw = web.Application()
    for number, path in enumerate(paths):
        raw.router.add_get(f"/{number}", _answering(replay, said[path]))
    yield raw
    replay.close()


def _answering(
    replay: Replay, statements: Sequence[tuple[str, object]]
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=json.dumps(replay.rows(statements)))

    return answer


@asynccontextmanager
async def _listening(app: web.Application) -> AsyncIterator[int]:
    """Yield the port; the server is set up as that of the service."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _application(
    kind: str, database: str, host: str, paths: Sequence[str]
) -> contextlib.AbstractAsyncContextManager[web.Application]:
    if kind == "empty":
        return _empty()
    if kind == "raw":
        return _raw(database, host, paths)
    return _service(database, host, anew=kind == "anew")


async def serve(kind: str, database: str, host: str, paths: Sequence[str]) -> None:
    """Serve until the standard input ends."""
    async with _application(kind, database, host, paths) as app, _listening(app) as port:
        calm_collector()
        print(port, flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            spent = os.times()
            print(spent.user + spent.system, flush=True)


def main() -> None:
    """Serve what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("database")
    parser.add_argument("host")
    parser.add_argument("paths", nargs="*")
    given = parser.parse_args()
    asyncio.run(serve(given.kind, given.database, given.host, given.paths))


if __name__ == "__main__":
    main()
