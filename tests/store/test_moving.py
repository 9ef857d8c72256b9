"""Moving a database: everything, proven, or nothing."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Boolean, Column, Connection, Integer, LargeBinary

from benchmarks.filled import fill
from mfl_lint.core.errors import Refused, StoreError
from mfl_lint.store import crawls, migrate, observations, transfer
from mfl_lint.store.backup import back_up, restore
from mfl_lint.store.columns import Time
from mfl_lint.store.engine import open_store
from mfl_lint.store.moving import move
from mfl_lint.store.tables import metadata
from tests.store.batches import NOW, batch, content, finding, lease, write
from tests.store.test_backup import all_rows, dumped, filled


@pytest.fixture
async def full(url: str) -> str:
    """Return the URL of a database of a small registry."""
    return await filled(url)


async def test_everything_is_at_the_new_place_and_the_old_one_is_as_it_was(
    full: str, elsewhere: str
) -> None:
    before = await all_rows(full)
    copied = move(full, elsewhere)
    assert {name: len(rows) for name, rows in before.items()} == copied
    assert before == await all_rows(full) == await all_rows(elsewhere)
    assert await dumped(full) == await dumped(elsewhere)
    assert [] == migrate.check(elsewhere)


async def test_a_moved_database_goes_on_counting_where_the_other_was(
    full: str, elsewhere: str
) -> None:
    async with open_store(full) as store:
        newest = (await crawls.crawls(store)).items[0]
    move(full, elsewhere)
    async with open_store(elsewhere) as store:
        assert newest.id < await crawls.start_crawl(store, newest.registry, NOW)


async def test_what_is_moved_there_and_back_is_the_same(
    full: str, fresh_postgresql: str, tmp_path: Path
) -> None:
    back = f"sqlite:///{tmp_path}/back.db"
    move(full, fresh_postgresql)
    move(fresh_postgresql, back)
    assert await all_rows(full) == await all_rows(back)


async def test_nothing_is_moved_to_where_something_is(full: str, elsewhere: str) -> None:
    await filled(elsewhere)
    before = await all_rows(elsewhere)
    with pytest.raises(Refused, match=r"is not empty|is there already"):
        move(full, elsewhere)
    assert before == await all_rows(elsewhere)


async def test_rows_of_every_table_are_moved_and_backed_up(
    url: str, elsewhere: str, tmp_path: Path
) -> None:
    async with open_store(url) as store:
        await store.write(_something_everywhere)
    before, file, third = await all_rows(url), tmp_path / "b.db", f"sqlite:///{tmp_path}/third.db"
    assert {3} == set(move(url, elsewhere).values())
    assert before == await all_rows(elsewhere)
    back_up(elsewhere, file)
    restore(third, file)
    assert before == await all_rows(third)


def _something_everywhere(connection: Connection) -> None:
    for table in metadata.sorted_tables:
        rows = [{one.name: _made_up(one, number) for one in table.columns} for number in (1, 2, 3)]
        connection.execute(table.insert(), rows)


def _made_up(column: Column[Any], number: int) -> object:
    if isinstance(column.type, Time):
        return NOW + timedelta(days=number)
    if isinstance(column.type, Boolean):
        return number == 2
    if isinstance(column.type, LargeBinary):
        return bytes([0, number, 255])
    return number if isinstance(column.type, Integer) else f"{column.name} ☃ {number}"


async def test_tables_without_rows_at_the_new_place_are_no_hindrance(
    full: str, fresh_postgresql: str
) -> None:
    migrate.upgrade(fresh_postgresql)
    move(full, fresh_postgresql)
    assert await all_rows(full) == await all_rows(fresh_postgresql)


def test_a_database_is_not_moved_to_itself(upgraded_postgresql: str) -> None:
    with pytest.raises(Refused, match="the database itself"):
        move(upgraded_postgresql, upgraded_postgresql)


async def test_nothing_is_moved_while_somebody_has_the_database_open(
    full: str, elsewhere: str
) -> None:
    before = await all_rows(full)
    async with open_store(full) as store:
        with pytest.raises(StoreError, match="is in use"):
            move(full, elsewhere)
        await crawls.start_crawl(store, (await crawls.crawls(store)).items[0].registry, NOW)
    assert migrate.revision(elsewhere) is None
    assert len(before["crawls"]) + 1 == move(full, elsewhere)["crawls"]


async def test_who_comes_while_a_file_is_moved_waits_and_finds_it_as_it_was(
    tmp_path: Path, fresh_postgresql: str
) -> None:
    url = await filled(f"sqlite:///{tmp_path}/here.db")
    refused: list[str] = []

    def told(name: str, rows: int) -> None:
        with closing(sqlite3.connect(tmp_path / "here.db", timeout=0)) as connection:
            try:
                connection.execute("SELECT count(*) FROM tags").fetchone()
            except sqlite3.OperationalError as error:
                refused.append(str(error))

    copied = move(url, fresh_postgresql, told)
    assert ["database is locked"] * len(copied) == refused
    async with open_store(url) as store:
        assert (await crawls.crawls(store)).items


def test_what_somebody_writes_just_before_a_move_begins_is_moved_too(
    fresh_postgresql: str, tmp_path: Path
) -> None:
    migrate.upgrade(fresh_postgresql)
    with (
        closing(psycopg.connect(_libpq(fresh_postgresql))) as other,
        closing(psycopg.connect(_libpq(fresh_postgresql), autocommit=True)) as watching,
        ThreadPoolExecutor(1) as thread,
    ):
        other.execute("INSERT INTO registries (name, host, first_seen_at) VALUES ('a', 'b', 0)")
        moving = thread.submit(move, fresh_postgresql, f"sqlite:///{tmp_path}/elsewhere.db")
        waits = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while watching.execute(waits).fetchone() == (0,) and not moving.done():
            pass
        other.commit()
        assert 1 == moving.result()["registries"]


def _libpq(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")


async def test_a_row_that_the_new_place_refuses_leaves_nothing_there(
    fresh_postgresql: str, tmp_path: Path
) -> None:
    file = tmp_path / "odd.db"
    await filled(f"sqlite:///{file}")
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE documents SET media_type = 'a' || char(0) || 'b'")
    with pytest.raises(StoreError, match="cannot be used"):
        move(f"sqlite:///{file}", fresh_postgresql)
    assert migrate.revision(fresh_postgresql) is None


async def test_a_row_that_arrives_otherwise_is_noticed(full: str, fresh_postgresql: str) -> None:
    migrate.upgrade(fresh_postgresql)
    async with open_store(fresh_postgresql) as store:

        def meddle(connection: Connection) -> None:
            connection.exec_driver_sql(
                "CREATE FUNCTION meddle() RETURNS trigger AS "
                "$$ BEGIN NEW.size_bytes := NEW.size_bytes + 1; RETURN NEW; END $$ "
                "LANGUAGE plpgsql"
            )
            connection.exec_driver_sql(
                "CREATE TRIGGER meddle BEFORE INSERT ON documents "
                "FOR EACH ROW EXECUTE FUNCTION meddle()"
            )

        await store.write(meddle)
    with pytest.raises(StoreError, match="the copy of documents is not what it was copied from"):
        move(full, fresh_postgresql)
    rows = await all_rows(fresh_postgresql)
    assert [] == [name for name, found in rows.items() if found]


async def test_the_checksum_of_a_table_changes_with_any_value(url: str) -> None:
    async with open_store(url) as store:
        held = await lease(store)
        await observations.record(
            store, held, batch(write("v1", finding("v1")), contents=(content("x"),))
        )
        before = await store.read(transfer.checksums)

        def change(connection: Connection) -> None:
            connection.exec_driver_sql("UPDATE tags SET watched = NOT watched")

        await store.write(change)
        after = await store.read(transfer.checksums)
    assert {"tags"} == {name for name, sum_ in before.items() if sum_ != after[name]}


@pytest.mark.ordeal
def test_a_large_database_is_moved_to_postgresql_and_proven(
    fresh_postgresql: str, tmp_path: Path, count: Callable[[int], int]
) -> None:
    file = tmp_path / "large.db"
    made = fill(file, count(1000), datetime.now(UTC))
    begun = time.monotonic()
    copied = move(f"sqlite:///{file}", fresh_postgresql)
    print(
        f"{made.tags} tags, {made.entries} entries, {sum(copied.values())} rows: "
        f"moved and compared in {time.monotonic() - begun:.1f} s"
    )
    assert (made.tags, made.entries) == (copied["tags"], copied["entries"])
    with (
        migrate.opened(f"sqlite:///{file}", may_create=False) as (source, _),
        migrate.opened(fresh_postgresql, may_create=False) as (target, _),
        source.begin() as there,
        target.begin() as here,
    ):
        assert transfer.checksums(there) == transfer.checksums(here)
        assert set(copied) == set(metadata.tables)
