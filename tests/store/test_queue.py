"""The queue's schema, and jobs that are enqueued with what they follow from."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, insert, make_url, select, text

from mfl_lint.core.errors import ConfigInvalid, StoreError
from mfl_lint.store import migrate
from mfl_lint.store.backup import restore
from mfl_lint.store.engine import Store, open_store
from mfl_lint.store.leading import Candidate
from mfl_lint.store.moving import move
from mfl_lint.store.queue import JobSpec, Queue
from mfl_lint.store.queue_schema import upgrade_queue
from mfl_lint.store.queue_tables import QUEUE_SCHEMA, parts
from mfl_lint.store.statements import all_rows, run
from tests.cutting_proxy import cutting
from tests.store.batches import NOW

JOBS = text(f"SELECT task_name, lock, priority, args FROM {QUEUE_SCHEMA}.procrastinate_jobs")


@pytest.fixture
def store(queued_store: Store) -> Store:
    return queued_store


async def enqueued(store: Store) -> list[tuple[str, str | None, int, dict[str, object]]]:
    return [tuple(row) for row in await store.read(all_rows, JOBS)]


async def test_the_schema_is_made_once_however_often_and_by_how_many_it_is_asked_for(
    fresh_postgresql: str,
) -> None:
    migrate.upgrade(fresh_postgresql)
    await asyncio.gather(*(asyncio.to_thread(upgrade_queue, fresh_postgresql) for _ in range(4)))
    upgrade_queue(fresh_postgresql)
    # Nothing of it is among the tables of which Alembic knows.
    assert [] == migrate.check(fresh_postgresql)


async def test_a_postgresql_that_is_too_old_is_refused_with_what_it_is(
    fresh_postgresql: str,
) -> None:
    migrate.upgrade(fresh_postgresql)
    address = make_url(fresh_postgresql)
    with psycopg.connect(fresh_postgresql) as connection:
        version = connection.info.server_version // 10000
    async with cutting(address.port or 0) as proxy:
        proxy.said = (f"server_version\0{version}".encode(), b"server_version\x0013")
        behind = address.set(port=int(proxy.host.rpartition(":")[2]))
        with pytest.raises(ConfigInvalid, match="is PostgreSQL 13, and a queue needs 14 or newer"):
            await asyncio.to_thread(upgrade_queue, behind.render_as_string(hide_password=False))
    await asyncio.to_thread(upgrade_queue, fresh_postgresql)


async def test_a_queue_of_a_newer_release_is_refused(store: Store, fresh_postgresql: str) -> None:
    newer = text(f"UPDATE {QUEUE_SCHEMA}.installed SET migration = '99.00.00_01_pre_new.sql'")
    await store.write(run, newer)
    with pytest.raises(StoreError, match=r"queue of a newer .* \(99\.00\.00"):
        upgrade_queue(fresh_postgresql)


@pytest.mark.parametrize("way", ["restored", "moved"])
async def test_what_another_database_is_put_over_has_no_jobs_and_no_leader_of_the_old_one(
    way: str, fresh_postgresql: str, tmp_path: Path
) -> None:
    file = tmp_path / "other.db"
    migrate.upgrade(f"sqlite:///{file}")
    migrate.upgrade(fresh_postgresql)
    upgrade_queue(fresh_postgresql)
    candidate = Candidate(fresh_postgresql, "one")
    fence = candidate.ask(NOW)
    candidate.close()
    async with open_store(fresh_postgresql) as store:
        await store.write(Queue().put, [JobSpec("crawl", {"crawl_id": 7})])
        await store.write(run, insert(parts).values(crawl_id=7, repository="team/app"))
    if way == "restored":
        restore(fresh_postgresql, file, force=True)
    else:
        move(f"sqlite:///{file}", fresh_postgresql)
    async with open_store(fresh_postgresql) as store:
        assert [] == await enqueued(store)
        assert () == tuple(await store.read(all_rows, select(parts)))
    upgrade_queue(fresh_postgresql)
    candidate = Candidate(fresh_postgresql, "two")
    assert (fence or 0) + 1 == candidate.ask(NOW)
    candidate.close()


def test_sqlite_has_no_queue_and_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match=r"needs database\.url to be a PostgreSQL database"):
        upgrade_queue(f"sqlite:///{tmp_path / 'store.db'}")


async def test_a_job_is_there_if_its_transaction_was_committed(store: Store) -> None:
    queue, job = Queue(), JobSpec("look", {"slot": 1}, "host/1", priority=7)

    def broken(connection: Connection) -> None:
        queue.put(connection, [job])
        raise StoreError("no")

    with pytest.raises(StoreError):
        await store.write(broken)
    assert [] == await enqueued(store)
    await store.write(queue.put, [job])
    assert [("look", "host/1", 7, {"slot": 1})] == await enqueued(store)


async def test_no_more_wait_than_there_is_room_for_and_what_waits_becomes_more_urgent(
    store: Store,
) -> None:
    def looks(priority: int, *names: str) -> list[JobSpec]:
        return [JobSpec("look", {"name": name}, once=name, priority=priority) for name in names]

    await store.write(Queue().put, looks(1, "a", "c"), 3)
    await store.write(Queue().put, looks(2, "b", "c", "d"), 3)
    waiting = {args["name"]: priority for _, _, priority, args in await enqueued(store)}
    assert {"a": 1, "b": 2, "c": 2} == waiting


async def test_of_what_is_to_be_done_once_one_waits_and_the_rest_is_enqueued(store: Store) -> None:
    once, other = JobSpec("look", {"n": 1}, once="a"), JobSpec("look", {"n": 2})
    await store.write(Queue().put, [once, once, other])
    await store.write(Queue().put, [once])
    assert [{"n": 2}, {"n": 1}] == [args for *_, args in await enqueued(store)]


async def test_what_waits_becomes_as_urgent_as_whoever_asks_for_it_again(store: Store) -> None:
    for priority in (10, 100, 0):
        await store.write(Queue().put, [JobSpec("look", {}, once="a", priority=priority)])
    assert [100] == [priority for *_, priority, _ in await enqueued(store)]


async def test_what_follows_in_a_transaction_finds_its_own_tables_still(store: Store) -> None:
    def both(connection: Connection) -> int:
        Queue().put(connection, [JobSpec("end", {})])
        return int(connection.scalar(text("SELECT count(*) FROM registries")) or 0)

    assert 0 == await store.write(both)
