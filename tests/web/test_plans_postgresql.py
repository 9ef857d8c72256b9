"""No list reads a whole table: PostgreSQL itself says how it would go about each query.

It is kept from what it prefers for the few rows of a test: reading tables whole, and hashing them.
What it then cannot do by an index it could not do by one of a million rows either.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import psycopg
import pytest

from benchmarks.recorded import recorded
from mfl_lint.store.moving import move
from tests.postgresql import fresh_database
from tests.web.conftest import Client, served
from tests.web.test_plans import LARGE, PARTIAL, PATHS, Heard, statements_of

_BY_INDEX: Final = "SET enable_{} = off"
_PREFERRED: Final = ("seqscan", "hashjoin", "mergejoin", "material", "memoize")
# Above these a LIMIT does not end what is below early.
_ALL_FIRST: Final = ("Sort", "Aggregate", "Hash", "Materialize", "WindowAgg")


@pytest.fixture(scope="module")
def moved_url(filled_url: str, postgresql_url: str) -> Iterator[str]:
    """Yield the filled store in PostgreSQL."""
    with fresh_database(postgresql_url, "plans") as url:
        move(filled_url, url)
        yield url


@pytest.fixture
async def listened(moved_url: str) -> AsyncIterator[tuple[Client, Heard]]:
    """Yield a client of the filled store, and all statements that its database is given."""
    with recorded() as found:
        async with served(moved_url) as client:
            yield client, found


@pytest.fixture
def connection(moved_url: str) -> Iterator[psycopg.Connection[Any]]:
    """Yield a connection that plans by indexes wherever it can."""
    with psycopg.connect(moved_url) as opened:
        for name in _PREFERRED:
            opened.execute(_BY_INDEX.format(name).encode())
        yield opened


def whole_tables(connection: psycopg.Connection[Any], statement: str, parameters: Any) -> list[str]:
    """Return the steps that read a large table to its end, however what is read is ordered."""
    said, found = f"EXPLAIN (FORMAT JSON) {statement}".encode(), list[str]()
    for sorts in (b"on", b"off"):
        connection.execute(b"SET enable_sort = " + sorts)
        (plans,) = connection.execute(said, parameters).fetchone() or ((),)
        steps = [step for plan in plans for step in _whole(plan["Plan"], ends=False)]
        if not steps:
            return []
        found = [f"{step}: {statement}" for step in steps]
    return found


def _whole(node: dict[str, Any], *, ends: bool) -> Iterator[str]:
    """Yield the steps from a node on that read a large table; `ends`: a LIMIT ends them early."""
    kind = str(node["Node Type"])
    if node.get("Relation Name") in LARGE and kind != "Bitmap Heap Scan":
        by_index = node.get("Index Name", "")
        walks = ends and bool(by_index)
        if "Index Cond" not in node and by_index not in PARTIAL and not walks:
            yield f"{kind} of {node['Relation Name']} {by_index}"
    ends = (ends or kind == "Limit") and kind not in _ALL_FIRST
    for below in node.get("Plans", ()):
        yield from _whole(below, ends=ends)


@pytest.mark.parametrize("path", PATHS)
async def test_no_list_reads_a_whole_table_of_postgresql(
    listened: tuple[Client, Heard], connection: psycopg.Connection[Any], path: str
) -> None:
    asked = await statements_of(listened, path)
    assert asked
    assert [] == [step for one in asked for step in whole_tables(connection, *one)]


def test_a_plan_of_postgresql_that_reads_a_whole_table_is_noticed(
    connection: psycopg.Connection[Any],
) -> None:
    for bad in (
        "SELECT * FROM tags WHERE summary = ''",
        "SELECT count(*) FROM findings GROUP BY message",
        "SELECT * FROM transitions ORDER BY reason LIMIT 5",
    ):
        assert 1 == len(whole_tables(connection, bad, ()))
