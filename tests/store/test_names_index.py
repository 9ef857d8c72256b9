"""PostgreSQL finds parts of names by an index where it may, and without one where it may not."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from mfl_lint.store import migrate
from mfl_lint.store.engine import open_store
from mfl_lint.store.view_search import search
from tests.postgresql import fresh_database
from tests.store.batches import lease

_INDEXES = b"SELECT indexname FROM pg_indexes WHERE tablename = 'repositories'"
_PLAN = b"EXPLAIN SELECT id FROM repositories WHERE name LIKE '%part%' ESCAPE '\\'"


@pytest.fixture
def narrow_url(postgresql_url: str) -> Iterator[str]:
    """Yield an empty database for somebody who may make tables there, and nothing else."""
    with fresh_database(postgresql_url, "narrow") as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(b"CREATE ROLE narrow LOGIN")
            connection.execute(b"GRANT CREATE, USAGE ON SCHEMA public TO narrow")
        yield url.replace("//postgres@", "//narrow@")
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute(b"DROP ROLE narrow")


def test_parts_of_names_are_found_by_an_index(postgresql_url: str) -> None:
    with fresh_database(postgresql_url, "indexed") as url:
        migrate.upgrade(url)
        with psycopg.connect(url) as connection:
            connection.execute(b"SET enable_seqscan = off")
            plan = "\n".join(line for (line,) in connection.execute(_PLAN))
        assert "ix_repositories_name_parts" in plan
        assert [] == migrate.check(url)


async def test_who_may_not_have_the_index_searches_without(narrow_url: str) -> None:
    migrate.upgrade(narrow_url)
    with psycopg.connect(narrow_url) as connection:
        held = {name for (name,) in connection.execute(_INDEXES)}
    assert "ix_repositories_name_parts" not in held
    assert [] == migrate.check(narrow_url)
    async with open_store(narrow_url) as store:
        await lease(store, "team/apart")
        assert ["team/apart"] == [hit.repository for hit in (await search(store, "part")).items]
