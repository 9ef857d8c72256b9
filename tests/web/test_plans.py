"""No list reads a whole table: SQLite itself says how it would go about each query."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator
from typing import Any

import pytest

from benchmarks.recorded import recorded
from tests.web.conftest import Client, served

LARGE = ("tags", "findings", "entries", "transitions", "documents", "presence", "tag_history")
# These hold only what they are asked for.
PARTIAL = ("ix_tags_uncertain", "ix_tags_broken")
PATHS = (
    "/overview",
    "/registries",
    "/registries/internal",
    "/registries/internal/repositories",
    "/registries/internal/repositories?repository=shop/*",
    "/r/internal/shop/checkout",
    "/r/internal/shop/checkout?tag=3.*",
    "/r/internal/shop/checkout?sort=worst",
    "/r/internal/shop/checkout?sort=oldest&is=error,unknown&offers=linux/arm64",
    "/r/internal/shop/checkout?sort=name&lacks=linux/arm/v7",
    "/t/internal/shop/checkout:latest",
    "/d/internal/shop/checkout:latest",
    "/findings?age=<7d",
    "/findings",
    "/findings?state=resolved",
    "/findings?state=open,resolved",
    "/findings?severity=error",
    "/findings?severity=error,warning",
    "/findings?registry=internal",
    "/findings?registry=internal&state=resolved",
    "/findings?repository=shop/checkout",
    "/findings?rule=MFL201",
    "/findings?rule=MFL2*",
    "/findings?tag=latest&platform=linux/arm64",
    "/rules",
    "/rules/MFL201",
    "/crawls",
    "/crawls?registry=hub",
    "/crawls/1",
    "/transitions",
    "/transitions?registry=internal",
    "/transitions?repository=shop/checkout",
    "/transitions?rule=MFL201",
    "/transitions?change=opened",
    "/digests",
    "/digests?repository=shop/checkout",
    "/matrix",
    "/matrix?registry=internal&tag=3.9",
    "/search?q=check",
    "/search?q=checkout:3",
    "/search?q=sha256:12",
    "/ready/internal/shop/checkout/latest?platform=linux/arm64",
)


Heard = list[tuple[str, Any]]


@pytest.fixture
async def listened(filled_url: str) -> AsyncIterator[tuple[Client, Heard]]:
    """Yield a client of the filled store, and all statements that its database is given."""
    with recorded() as found:
        async with served(filled_url) as client:
            yield client, found


def whole_tables(connection: sqlite3.Connection, statement: str, parameters: Any) -> list[str]:
    """Return the steps of a query's plan that read a large table to its end."""
    rows = connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
    steps = [str(row[3]) for row in rows]
    sorts = {f"USE TEMP B-TREE FOR {what} BY" for what in ("ORDER", "GROUP")} & set(steps)
    # In the order of an index and with a LIMIT, the walk ends when the page is full.
    walks = "LIMIT" in statement and not sorts
    found = []
    for step in steps:
        scan = re.match(rf"SCAN ({'|'.join(LARGE)})\b(.*)", step)
        if scan and not any(name in scan[2] for name in PARTIAL):
            found += [] if walks and "USING" in scan[2] else [f"{step}: {statement}"]
    return found


async def statements_of(listened: tuple[Client, Heard], path: str) -> Heard:
    """Return what a path asks of the database, on its first page and on its second."""
    client, found = listened
    joint = "&" if "?" in path else "?"
    found.clear()
    answer = await client.get(f"/api/v1{path}")
    assert 200 == answer.status, path
    if "next_cursor" in await answer.text():
        paged = await client.get(f"/api/v1{path}{joint}limit=1")
        cursor = (await paged.json()).get("next_cursor")
        if cursor is not None:
            await client.get(f"/api/v1{path}{joint}limit=1&cursor={cursor}")
    return [one for one in found if one[0].lstrip().upper().startswith(("SELECT", "WITH"))]


@pytest.mark.parametrize("path", PATHS)
async def test_no_list_reads_a_whole_table(
    listened: tuple[Client, Heard], filled_url: str, path: str
) -> None:
    connection = sqlite3.connect(filled_url.removeprefix("sqlite:///"))
    try:
        asked = await statements_of(listened, path)
        assert asked
        wrong = [step for one in asked for step in whole_tables(connection, *one)]
    finally:
        connection.close()
    assert [] == wrong


@pytest.mark.parametrize(
    ("path", "index"),
    [
        ("/findings", "ix_findings_standing"),
        ("/findings?registry=internal", "ix_findings_standing_registry"),
        ("/findings?rule=MFL201", "ix_findings_standing_rule"),
        ("/findings?state=resolved", "ix_findings_worst"),
        ("/findings?repository=shop/checkout", "ix_findings_place"),
        ("/findings?registry=internal&repository=shop/checkout", "ix_findings_place"),
        ("/findings?registry=internal&repository=shop/checkout&tag=3.9", "ix_findings_place"),
        ("/findings?repository=shop/checkout&state=resolved", "ix_findings_place"),
        (
            "/findings?registry=internal&repository=shop/checkout&state=resolved",
            "ix_findings_place",
        ),
        ("/transitions?registry=internal", "ix_transitions_registry"),
        ("/registries", "ix_tags_uncertain"),
        ("/registries", "ix_repositories_unlisted"),
        ("/overview", "ix_tags_broken"),
        ("/search?q=3.9", "ix_tags_name"),
    ],
)
async def test_a_list_is_read_through_the_index_that_was_made_for_it(
    listened: tuple[Client, Heard], filled_url: str, path: str, index: str
) -> None:
    connection = sqlite3.connect(filled_url.removeprefix("sqlite:///"))
    try:
        plans = [
            str(row[3])
            for statement, parameters in await statements_of(listened, path)
            for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]
    finally:
        connection.close()
    assert any(index in step.split() for step in plans), plans


async def asked_for(listened: tuple[Client, Heard], path: str) -> None:
    """Ask for a path, and hear what that takes."""
    client, found = listened
    found.clear()
    answer = await client.get(path)
    assert 200 == answer.status, await answer.text()


@pytest.mark.parametrize("prefix", ["", "/api/v1"])
@pytest.mark.parametrize(
    "path",
    [
        "/findings?",
        "/findings?state=open,resolved&",
        "/crawls?",
        "/r/internal/shop/checkout?",
    ],
)
async def test_no_page_asks_once_for_each_row(
    listened: tuple[Client, Heard], prefix: str, path: str
) -> None:
    # What is asked for by the first answer only, and once a second, is none of it.
    own = ("BEGIN", "ROLLBACK", "SELECT registries.name, registries.revision")
    await asked_for(listened, f"{prefix}{path}limit=4")
    numbers = []
    for limit in (3, 50):
        await asked_for(listened, f"{prefix}{path}limit={limit}")
        numbers.append(sum(not one[0].startswith(own) for one in listened[1]))
    assert numbers[0] == numbers[1] <= 16


def test_a_plan_that_reads_a_whole_table_is_noticed(filled_url: str) -> None:
    connection = sqlite3.connect(filled_url.removeprefix("sqlite:///"))
    try:
        for bad in (
            "SELECT * FROM tags WHERE summary = ''",
            "SELECT count(*) FROM findings GROUP BY message",
            "SELECT * FROM transitions ORDER BY reason LIMIT 5",
        ):
            assert 1 == len(whole_tables(connection, bad, ()))
    finally:
        connection.close()
