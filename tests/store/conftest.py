"""An empty store for each test, on both databases."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from mfl_lint.store.engine import Store, open_store
from mfl_lint.store.migrate import upgrade
from mfl_lint.store.tables import metadata

DATABASES = ("sqlite", "postgresql")


@pytest.fixture(params=DATABASES)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database without tables: on SQLite, of a file that is not there."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/mfl-lint.db"
    url: str = request.getfixturevalue("fresh_postgresql")
    return url


@pytest.fixture(scope="session")
def upgraded_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an SQLite file with this release's tables, to be copied."""
    file = tmp_path_factory.mktemp("upgraded") / "mfl-lint.db"
    upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def upgraded_postgresql(postgresql_url: str) -> Iterator[str]:
    """Return the URL of a PostgreSQL database with this release's tables."""
    from tests.postgresql import fresh_database

    with fresh_database(postgresql_url, f"upgraded_{uuid4().hex[:8]}") as url:
        upgrade(url)
        yield url


def _emptied(url: str) -> str:
    """Empty all tables of a PostgreSQL database; TRUNCATE takes three times as long for so few."""
    import psycopg

    counted = "SELECT format('ALTER SEQUENCE %I.%I RESTART', schemaname, sequencename)"
    with psycopg.connect(url) as connection:
        used = connection.execute(f"{counted} FROM pg_sequences WHERE last_value IS NOT NULL")
        steps = [row[0] for row in used.fetchall()]
        steps += [f"DELETE FROM {table.name}" for table in reversed(metadata.sorted_tables)]
        connection.execute("; ".join(steps).encode())
    return url


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database with this release's tables, all empty."""
    if request.param == "postgresql":
        return _emptied(request.getfixturevalue("upgraded_postgresql"))
    file = tmp_path / "mfl-lint.db"
    shutil.copyfile(request.getfixturevalue("upgraded_file"), file)
    return f"sqlite:///{file}"


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    """Return an open store without content."""
    async with open_store(url) as opened:
        yield opened


@pytest.fixture(params=DATABASES)
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database to move to or restore into, where nothing is."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/elsewhere.db"
    url: str = request.getfixturevalue("fresh_postgresql")
    return url
