"""Short reads are made in the event loop; what is longer, or has to wait, is left to a thread."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from mfl_lint.store.engine import Store, open_store

_LONG = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) "
    "SELECT count(*) FROM n"
)


@pytest.fixture
def url(upgraded_file: Path, tmp_path: Path) -> str:
    """Return the URL of a store of the test's own."""
    copied = tmp_path / "own.db"
    copied.write_bytes(upgraded_file.read_bytes())
    return f"sqlite:///{copied}"


def counted(connection: Connection, query: str) -> tuple[int, int]:
    """Return what a query counts, and the thread that it was asked in."""
    return connection.execute(text(query)).scalar_one(), threading.get_ident()


async def count(store: Store, query: str) -> tuple[int, int]:
    return await store.read_at_once(lambda moment: moment.read(counted, query))


async def test_a_short_read_is_made_where_it_is_asked_for(url: str) -> None:
    async with open_store(url) as store:
        asked = await count(store, "SELECT count(*) FROM registries")
        assert (0, threading.get_ident()) == asked


async def test_a_long_read_is_broken_off_and_left_to_a_thread(url: str) -> None:
    async with open_store(url) as store:
        found, thread = await count(store, _LONG)
        assert 3_000_000 == found
        assert thread != threading.get_ident()
        # The connection of the loop is as good as before.
        assert (0, threading.get_ident()) == await count(store, "SELECT count(*) FROM tags")


async def test_while_a_long_read_goes_on_others_are_answered(url: str) -> None:
    async with open_store(url) as store:
        long = asyncio.create_task(count(store, _LONG))
        await asyncio.sleep(0)
        answered = 0
        while not long.done():
            await count(store, "SELECT count(*) FROM tags")
            answered += 1
            await asyncio.sleep(0)
        assert answered > 10


async def test_the_loop_waits_for_no_lock(url: str) -> None:
    """A database that somebody else has alone is waited for by a thread."""
    async with open_store(url) as store:
        await count(store, "SELECT count(*) FROM tags")
    file = url.removeprefix("sqlite:///")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("PRAGMA journal_mode = DELETE")
    async with open_store(url) as store:
        other.execute("BEGIN EXCLUSIVE")
        waiting = asyncio.create_task(count(store, "SELECT count(*) FROM tags"))
        turns = 0
        while turns < 100:
            await asyncio.sleep(0)
            turns += 1
        assert False is waiting.done()
        other.execute("ROLLBACK")
        found, thread = await waiting
        assert (0, True) == (found, thread != threading.get_ident())
    other.close()


async def test_what_a_page_reads_is_of_one_moment(url: str) -> None:
    async with open_store(url) as store:

        async def twice(moment: Store) -> tuple[int, int]:
            first, _ = await moment.read(counted, "SELECT count(*) FROM audit")
            writer = sqlite3.connect(url.removeprefix("sqlite:///"))
            with writer:
                writer.execute(
                    "INSERT INTO audit (at, who, action, subject) VALUES (?, 'a', 'b', 'c')",
                    ("2026-01-01 00:00:00",),
                )
            writer.close()
            second, _ = await moment.read(counted, "SELECT count(*) FROM audit")
            return first, second

        assert (0, 0) == await store.read_at_once(twice)
        assert 1 == (await count(store, "SELECT count(*) FROM audit"))[0]
