"""Stores filled once for all tests of the pages, and clients of the application on them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import DummyCookieJar, web
from aiohttp.test_utils import TestClient, TestServer

from mfl_lint.core.records import CrawlStatus
from mfl_lint.store import crawls, migrate
from mfl_lint.store.engine import Store, open_store
from mfl_lint.web.application import Services, create_app
from tests.web import filled_store

Client = TestClient[web.Request, web.Application]


def make_database(path: Path, fill: Callable[[Store], Awaitable[None]] | None) -> str:
    """Return the URL of a new database that `fill` has filled."""
    url = f"sqlite:///{path}"
    migrate.upgrade(url)

    async def go() -> None:
        async with open_store(url) as store:
            if fill is not None:
                await fill(store)

    asyncio.run(go())
    return url


@pytest.fixture(scope="session")
def filled_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a database as weeks of crawls leave it."""
    return make_database(tmp_path_factory.mktemp("web") / "filled.db", filled_store.fill)


@pytest.fixture(scope="session")
def hostile_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a database full of what a hostile registry says."""
    return make_database(tmp_path_factory.mktemp("web") / "evil.db", filled_store.fill_hostile)


@pytest.fixture(scope="session")
def empty_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a new database."""
    return make_database(tmp_path_factory.mktemp("web") / "empty.db", None)


async def services_of(store: Store) -> Services:
    """Return services as the running service would wire them; nothing crawls."""
    page = await crawls.crawls(store)
    live = tuple(item for item in page.items if item.status is CrawlStatus.RUNNING)
    return Services(
        store=store,
        config=lambda: filled_store.CONFIG,
        rules=filled_store.RULES,
        now=lambda: filled_store.NOW + timedelta(seconds=20),
        next_crawl=lambda name: filled_store.NOW + timedelta(minutes=35),
        live=lambda: live,
    )


@asynccontextmanager
async def served(url: str) -> AsyncIterator[Client]:
    """Yield a client of the application on a database."""
    async with open_store(url) as store:
        app = create_app(await services_of(store))
        server = TestServer(app)
        await server.start_server(auto_decompress=False)
        async with TestClient(server, cookie_jar=DummyCookieJar()) as client:
            yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reader(filled_url: str) -> AsyncIterator[Client]:
    """Yield a module's one client of the filled store, for tests on its loop that only read."""
    async with served(filled_url) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hostile_reader(hostile_url: str) -> AsyncIterator[Client]:
    """Yield a module's one client of the hostile store, for tests on its loop that only read."""
    async with served(hostile_url) as client:
        yield client


@pytest.fixture
async def client(filled_url: str) -> AsyncIterator[Client]:
    """Yield a client of the filled store."""
    async with served(filled_url) as client:
        yield client


@pytest.fixture
async def hostile(hostile_url: str) -> AsyncIterator[Client]:
    """Yield a client of the hostile store."""
    async with served(hostile_url) as client:
        yield client


@pytest.fixture
async def empty(empty_url: str) -> AsyncIterator[Client]:
    """Yield a client of the empty store."""
    async with served(empty_url) as client:
        yield client
