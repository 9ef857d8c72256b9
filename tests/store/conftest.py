"""An empty store for each test, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mfl_lint.store.engine import Store, open_store
from mfl_lint.store.migrate import upgrade


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database without tables: on SQLite, of a file that is not there."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/mfl-lint.db"
    url: str = request.getfixturevalue("fresh_postgresql")
    return url


@pytest.fixture
def url(empty_url: str) -> str:
    """Return the URL of a database with this release's tables."""
    upgrade(empty_url)
    return empty_url


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    """Return an open store without content."""
    async with open_store(url) as opened:
        yield opened
