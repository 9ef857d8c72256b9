"""What waits together is committed together, each all or nothing; processes take turns."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, insert, select

from mfl_lint.core.errors import StoreError
from mfl_lint.store.engine import Store, open_store
from mfl_lint.store.statements import run
from mfl_lint.store.tables import metadata
from mfl_lint.store.turns import SUFFIX, Turns
from tests.store.batches import NOW

REGISTRIES = metadata.tables["registries"]


@pytest.fixture
def url(upgraded_file: Path, tmp_path: Path) -> str:
    """Return the URL of a store of the test's own."""
    copied = tmp_path / "own.db"
    copied.write_bytes(upgraded_file.read_bytes())
    return f"sqlite:///{copied}"


def adding(name: str, problem: Exception | None = None) -> Callable[[Connection], str]:
    """Return a transaction that adds a registry and, perhaps, breaks off then."""

    def add(connection: Connection) -> str:
        row = {"name": name, "host": "localhost", "first_seen_at": NOW}
        connection.execute(insert(REGISTRIES).values(row))
        if problem is not None:
            raise problem
        return name

    return add


async def names(store: Store) -> list[str]:
    def read(connection: Connection) -> list[str]:
        return sorted(connection.scalars(select(REGISTRIES.c.name)))

    return await store.read(read)


def commits_of(store: Store) -> list[int]:
    """Return a list that grows with each commit of the writer."""
    seen: list[int] = []
    event.listen(store._writer.engine, "commit", lambda connection: seen.append(1))
    return seen


@pytest.mark.parametrize("at_once", [False, True])
async def test_transactions_that_wait_together_have_one_commit(url: str, at_once: bool) -> None:
    async with open_store(url, at_once=at_once) as store:
        commits = commits_of(store)
        done = await asyncio.gather(*(store.write(adding(name)) for name in "abcd"))
        assert ["a", "b", "c", "d"] == done == await names(store)
        assert 1 == len(commits)


@pytest.mark.parametrize("at_once", [False, True])
async def test_what_one_of_them_breaks_off_is_undone_and_stops_no_other(
    url: str, at_once: bool
) -> None:
    async with open_store(url, at_once=at_once) as store:
        ended = await asyncio.gather(
            store.write(adding("a")),
            store.write(adding("b", KeyError("own"))),
            store.write(adding("a")),
            store.write(adding("c")),
            return_exceptions=True,
        )
        assert ("a", "c") == (ended[0], ended[3])
        assert isinstance(ended[1], KeyError)
        assert isinstance(ended[2], StoreError)
        assert ["a", "c"] == await names(store)


@pytest.mark.parametrize("at_once", [False, True])
async def test_a_lone_transaction_that_breaks_off_leaves_nothing(url: str, at_once: bool) -> None:
    async with open_store(url, at_once=at_once) as store:
        with pytest.raises(KeyError):
            await store.write(adding("a", KeyError("own")))
        assert "b" == await store.write(adding("b"))
        assert ["b"] == await names(store)


async def test_what_comes_while_the_disk_is_waited_for_waits_for_the_next_commit(url: str) -> None:
    async with open_store(url) as store:
        commits, is_at_it, goes_on = commits_of(store), threading.Event(), threading.Event()

        def slow(connection: Connection) -> str:
            is_at_it.set()
            goes_on.wait(10)
            return adding("slow")(connection)

        first = asyncio.ensure_future(store.write(slow))
        await asyncio.to_thread(is_at_it.wait)
        others = [asyncio.ensure_future(store.write(adding(name))) for name in "abc"]
        await asyncio.sleep(0)
        others[1].cancel()
        goes_on.set()
        await asyncio.wait([first, *others])
        assert ["a", "b", "c", "slow"] == await names(store)
        assert 2 == len(commits)


@pytest.mark.parametrize("at_once", [False, True])
async def test_a_turn_of_another_process_is_waited_for(
    url: str, at_once: bool, tmp_path: Path
) -> None:
    other = Turns(tmp_path / "own.db", 1.0)
    assert (tmp_path / f"own.db{SUFFIX}").name == "own.db-turn"
    async with open_store(url, at_once=at_once) as store:
        assert other.take_now()
        writing = asyncio.ensure_future(store.write(adding("a")))
        # Nothing else waits meanwhile: neither the event loop nor those who read.
        for _ in range(5):
            assert [] == await names(store)
        assert not writing.done()
        other.give_back()
        assert "a" == await writing
    other.close()


@pytest.mark.parametrize("at_once", [False, True])
async def test_a_turn_that_never_comes_is_said_in_one_line(
    url: str, at_once: bool, tmp_path: Path
) -> None:
    async with open_store(url, busy_timeout_s=0.05, at_once=at_once) as store:
        other = Turns(tmp_path / "own.db", 1.0)
        assert other.take_now()
        with pytest.raises(StoreError, match="database is locked") as told:
            await store.write(adding("a"))
        assert "\n" not in str(told.value)
        other.close()
        assert "b" == await store.write(adding("b"))
        assert ["b"] == await names(store)


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("turns_of_the_loop", [0, 1, 2, 3])
async def test_what_waits_when_the_store_is_closed_is_committed(
    url: str, at_once: bool, turns_of_the_loop: int
) -> None:
    async with asyncio.timeout(10):
        async with open_store(url, at_once=at_once) as store:
            waiting = [asyncio.ensure_future(store.write(adding(name))) for name in "ab"]
            for _ in range(turns_of_the_loop):
                await asyncio.sleep(0)
            waiting += [asyncio.ensure_future(store.write(adding(name))) for name in "cd"]
            await asyncio.sleep(0)
        await asyncio.gather(*waiting)
    async with open_store(url) as store:
        assert ["a", "b", "c", "d"] == await names(store)
        assert 0 == await store.write(run, REGISTRIES.delete().where(REGISTRIES.c.name == "none"))
