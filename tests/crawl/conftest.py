"""Worlds to crawl in: on SQLite, and for some tests on both databases."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mfl_lint.store.engine import Store, open_store
from mfl_lint.store.migrate import upgrade
from tests.crawl.harm import behind_tokens, with_a_finding
from tests.crawl.world import World, made_world
from tests.fault_registry import FaultRegistry
from tests.token_server import TokenServer


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a SQLite file with this release's tables, to be copied."""
    file = tmp_path_factory.mktemp("empty") / "empty.db"
    upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture
def sqlite_url(empty_database: Path, tmp_path: Path) -> str:
    """Return the URL of an empty SQLite store of the test's own."""
    return f"sqlite:///{shutil.copy(empty_database, tmp_path / 'store.db')}"


@pytest.fixture
async def store(sqlite_url: str) -> AsyncIterator[Store]:
    """Return an open store without content."""
    async with open_store(sqlite_url) as opened:
        yield opened


@pytest.fixture
async def world(fault_registry: FaultRegistry, store: Store) -> AsyncIterator[World]:
    """Return a world on SQLite."""
    async with made_world(fault_registry, store) as made:
        yield made


@pytest.fixture
async def guarded(world: World) -> World:
    """Return a world with an open finding and a good tag, behind a token server."""
    await behind_tokens(world, TokenServer())
    await with_a_finding(world)
    return world


@pytest.fixture(params=["sqlite", "postgresql"])
async def either_world(
    request: pytest.FixtureRequest, fault_registry: FaultRegistry, tmp_path: Path
) -> AsyncIterator[World]:
    """Return a world on each of the databases in turn."""
    url = f"sqlite:///{tmp_path}/either.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("fresh_postgresql")
    upgrade(url)
    async with open_store(url) as opened, made_world(fault_registry, opened) as made:
        yield made
