"""Opening a database, and what happens when it is locked, full, cut off or not ours."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, text

from mfl_lint.core.errors import ConfigInvalid, StoreError
from mfl_lint.store import dump, looks, observations, views
from mfl_lint.store.engine import Store, open_store
from mfl_lint.store.migrate import upgrade
from mfl_lint.store.statements import one_row, run
from tests.store.batches import NOW, batch, content, lease, write


@pytest.fixture
def file(upgraded_file: Path, tmp_path: Path) -> Path:
    """Return an SQLite file with this release's tables."""
    copied = tmp_path / "mfl-lint.db"
    copied.write_bytes(upgraded_file.read_bytes())
    return copied


async def _tags(store: Store) -> int:
    return (await dump.figures(store)).rows["tags"]


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://root@localhost/x", "use sqlite:///path or postgresql://"),
        ("sqlite://", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
        ("sqlite:///file:x?mode=memory", "must name a file"),
        ("not a url", "not a database's address"),
        ("postgresql://h:port/x", "not a database's address"),
        ("", "not a database's address"),
    ],
)
async def test_an_address_that_cannot_be_used_is_refused_in_one_line(url: str, told: str) -> None:
    with pytest.raises(ConfigInvalid, match=told) as refused:
        async with open_store(url):
            pass
    assert "\n" not in str(refused.value)
    with pytest.raises(ConfigInvalid, match=told):
        upgrade(url)


async def test_a_database_that_is_not_there_is_not_made_by_opening_it(tmp_path: Path) -> None:
    file = tmp_path / "none.db"
    with pytest.raises(StoreError, match="`mfl-lint db upgrade` creates it"):
        async with open_store(f"sqlite:///{file}"):
            pass
    assert not file.exists()


def _touch(url: str) -> None:
    """Make an SQLite file that is empty."""
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).touch()


async def test_a_database_without_tables_is_refused(empty_url: str) -> None:
    _touch(empty_url)
    with pytest.raises(StoreError, match="has no tables yet: run `mfl-lint db upgrade`"):
        async with open_store(empty_url):
            pass


async def test_a_server_that_does_not_answer_is_named_without_its_password() -> None:
    with pytest.raises(StoreError, match=r"127\.0\.0\.1:1/lint cannot be used") as refused:
        async with open_store("postgresql://someone:hunter2@127.0.0.1:1/lint"):
            pass
    assert "hunter2" not in str(refused.value)
    assert "\n" not in str(refused.value)


async def test_every_connection_is_set_up_to_lose_nothing(file: Path) -> None:
    names = ("foreign_keys", "synchronous", "busy_timeout", "journal_mode")

    def settings(connection: Connection) -> list[object]:
        return [connection.scalar(text(f"PRAGMA {name}")) for name in names]

    async with open_store(f"sqlite:///{file}") as store:
        for transaction in (store.write, store.read):
            assert [1, 2, 5000, "wal"] == await transaction(settings)


async def test_a_reader_sees_one_state_and_holds_nobody_up(store: Store) -> None:
    held = await lease(store)
    counted, recorded = threading.Event(), threading.Event()

    def count_twice(connection: Connection) -> tuple[int, bool, int]:
        count = text("SELECT count(*) FROM tags")
        first = connection.execute(count).scalar_one()
        counted.set()
        return first, recorded.wait(10), connection.execute(count).scalar_one()

    reading = asyncio.create_task(store.read(count_twice))
    await asyncio.to_thread(counted.wait, 10)
    await observations.record(store, held, batch(write()))
    recorded.set()
    assert (0, True, 0) == await reading
    assert 1 == await _tags(store)


async def test_a_reader_cannot_write_on_postgresql_and_leaves_nothing_on_sqlite(
    store: Store,
) -> None:
    await lease(store)
    try:
        await store.read(run, text("DELETE FROM registries"))
    except StoreError:
        assert "postgresql" == store.dialect
    assert 2 == (await dump.figures(store)).rows["registries"]


async def test_an_error_inside_a_transaction_takes_all_of_it_back(store: Store) -> None:
    await lease(store)

    def fail(connection: Connection) -> None:
        connection.execute(text("DELETE FROM repositories"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.write(fail)
    assert 1 == (await dump.figures(store)).rows["repositories"]


@pytest.mark.parametrize("closed", [False, True])
async def test_a_transaction_that_nobody_waits_for_any_more_ends_all_the_same(
    url: str, closed: bool
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def add(connection: Connection) -> None:
        begun.set()
        assert go_on.wait(10)
        held = {"registry": "r", "repository": "x", "tag": "t", "state": "pending", "at": 0}
        columns = "registry, repository, tag, state, requested_at"
        values = ":registry, :repository, :tag, :state, :at"
        connection.execute(text(f"INSERT INTO look_requests ({columns}) VALUES ({values})"), held)

    async with open_store(url) as store:
        adding = asyncio.create_task(store.write(add))
        await asyncio.to_thread(begun.wait, 10)
        adding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await adding
        go_on.set()
        if not closed:
            await looks.request_look(store, "r", "y", "t", NOW, "")
    async with open_store(url) as store:
        rows = (await dump.figures(store)).rows
    assert (1 if closed else 2) == rows["look_requests"]


async def test_a_lock_held_for_too_long_is_an_error_and_reads_go_on(file: Path) -> None:
    async with open_store(f"sqlite:///{file}", busy_timeout_s=0.2) as store:
        held = await lease(store)
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="database is locked"):
            await observations.record(store, held, batch(write()))
        assert 0 == await _tags(store)
        other.execute("ROLLBACK")
        other.close()
        await observations.record(store, held, batch(write()))
        assert 1 == await _tags(store)


async def test_a_lock_that_is_given_back_in_time_is_waited_for(file: Path) -> None:
    async with open_store(f"sqlite:///{file}", busy_timeout_s=30.0) as store:
        held = await lease(store)
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(observations.record(store, held, batch(write())))
        done, _ = await asyncio.wait([waiting], timeout=0.2)
        assert set() == done
        other.execute("COMMIT")
        other.close()
        await waiting


async def test_a_full_disk_is_an_error_until_there_is_room(file: Path) -> None:
    async with open_store(f"sqlite:///{file}") as store:
        held = await lease(store)
        pages = (await store.read(one_row, text("PRAGMA page_count")))[0]
        await store.write(run, text(f"PRAGMA max_page_count = {pages + 2}"))
        many = tuple(content(f"{number} {number**999}") for number in range(1, 200))
        with pytest.raises(StoreError, match="full"):
            await observations.record(store, held, batch(write(), contents=many))
        assert 0 == await _tags(store)
        await store.write(run, text("PRAGMA max_page_count = 1000000"))
        await observations.record(store, held, batch(write(), contents=many))
        assert 1 == await _tags(store)


def _terminate_all(url: str) -> None:
    """End every other connection to the database, as a restart of the server does."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def _cut_off(connection: Connection, url: str) -> None:
    connection.execute(text("DELETE FROM leases"))
    _terminate_all(url)
    connection.execute(text("SELECT 1"))


async def test_a_dropped_connection_is_an_error_and_the_next_call_works(
    fresh_postgresql: str,
) -> None:
    await asyncio.to_thread(upgrade, fresh_postgresql)
    async with open_store(fresh_postgresql) as store:
        held = await lease(store)
        with pytest.raises(StoreError, match="cannot be used"):
            await store.write(_cut_off, fresh_postgresql)
        await observations.record(store, held, batch(write()))
        await asyncio.to_thread(_terminate_all, fresh_postgresql)
        await observations.record(store, held, batch(write("v2")))
        await asyncio.to_thread(_terminate_all, fresh_postgresql)
        assert 2 == await _tags(store)


async def test_what_reads_a_page_sees_one_state_however_often_it_reads(
    store: Store, url: str
) -> None:
    held = await lease(store)

    async def write_elsewhere() -> None:
        async with open_store(url) as other:
            await observations.record(other, held, batch(write()))

    async def page(reading: Store) -> tuple[int, int, int]:
        nobody = reading.seeing(frozenset())
        first = await _tags(reading)
        elsewhere = threading.Thread(target=lambda: asyncio.run(write_elsewhere()))
        elsewhere.start()
        elsewhere.join(10)
        seen = await views.registries(nobody)
        return first, await _tags(reading), len(seen)

    assert (0, 0, 0) == await store.read_at_once(page)
    assert 1 == await _tags(store)


async def test_what_reads_a_page_neither_waits_nor_writes(store: Store) -> None:
    async def waits(reading: Store) -> None:
        await asyncio.sleep(0)

    async def writes(reading: Store) -> None:
        await reading.write(lambda connection: None)

    with pytest.raises(RuntimeError, match="waited for something else"):
        await store.read_at_once(waits)
    with pytest.raises(RuntimeError, match="nothing is written"):
        await store.read_at_once(writes)
    assert 0 == await store.read_at_once(_tags)
