"""Connections to PostgreSQL: no program keeps what it has locked when it falls silent."""

from __future__ import annotations

from sqlalchemy import Connection, text

from mfl_lint.store.engine import open_store
from mfl_lint.store.migrate import opened, upgrade
from mfl_lint.store.postgresql import keeping
from mfl_lint.store.pulse import Pulse
from mfl_lint.store.queue import worker_app
from mfl_lint.store.queue_schema import upgrade_queue

LIMIT = "SELECT setting FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'"


def _limit(connection: Connection) -> str:
    return str(connection.scalar(text(LIMIT)))


async def test_all_connections_end_when_their_program_falls_silent_in_a_transaction(
    fresh_postgresql: str,
) -> None:
    upgrade(fresh_postgresql)
    upgrade_queue(fresh_postgresql)
    async with open_store(fresh_postgresql) as store:
        assert ["10000", "10000"] == [await store.read(_limit), await store.write(_limit)]
    async with worker_app(fresh_postgresql, 2, Pulse(10.0)).open_async() as app:
        row = await app.connector.execute_query_one_async(LIMIT)
        assert {"setting": "10000"} == row
    # What a person carries out may write a large file in between.
    with opened(fresh_postgresql, may_create=False) as (engine, _), engine.begin() as connection:
        assert "900000" == _limit(connection)


async def test_what_the_address_says_of_a_connection_goes_first(fresh_postgresql: str) -> None:
    upgrade(fresh_postgresql)
    upgrade_queue(fresh_postgresql)
    words = "SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()"
    query = text(words)

    def name(connection: Connection) -> str:
        return str(connection.scalar(query))

    address = f"{fresh_postgresql}?application_name=ours&options=-c%20work_mem%3D9MB"
    async with open_store(address) as store:
        assert "ours" == await store.read(name)
    async with worker_app(address, 2, Pulse(10.0)).open_async() as app:
        row = await app.connector.execute_query_one_async(words)
        assert {"application_name": "ours"} == row
        row = await app.connector.execute_query_one_async("SHOW work_mem")
        assert {"work_mem": "9MB"} == row
    assert {"10000"} == {v for k, v in keeping().items() if k.endswith("timeout")}
