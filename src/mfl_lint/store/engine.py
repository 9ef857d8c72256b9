"""Opening the database: connections, transactions, and errors that a person can act on.

On SQLite all writing of a process goes through one connection, one transaction at a time;
readers have connections of their own, see the state of their begin and never wait.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

from sqlalchemy import URL, Connection, event, inspect, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from mfl_lint.core.errors import StoreError
from mfl_lint.store.addresses import one_line, parse_address, shown, sqlite_file
from mfl_lint.store.tables import SCHEMA

_READERS: Final = 4
_UPGRADE: Final = "`mfl-lint db upgrade`"


class Store:
    """An open database. The functions of the other modules take it first."""

    def __init__(self, name: str, writer: AsyncEngine, reader: AsyncEngine) -> None:
        self.name = name
        self.dialect = writer.dialect.name
        self._writer = writer
        self._reader = reader
        self._turn: asyncio.Lock | None = asyncio.Lock() if self.dialect == "sqlite" else None

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Yield a connection in a transaction that sees one state and writes nothing."""
        async with _translated(self.name), self._reader.connect() as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Yield a connection in a transaction: committed at the end, rolled back on errors."""
        async with AsyncExitStack() as stack:
            if self._turn is not None:
                await stack.enter_async_context(self._turn)
            await stack.enter_async_context(_translated(self.name))
            yield await stack.enter_async_context(self._writer.begin())


@asynccontextmanager
async def _translated(name: str) -> AsyncIterator[None]:
    """Turn the drivers' errors into StoreError."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError, UnicodeError) as error:
        raise StoreError(f"the database {name} cannot be used: {one_line(error)}") from error


def set_up_sqlite(cursor: Any, busy_timeout_s: float) -> None:
    """Make a new connection safe: it waits for locks, checks keys, and syncs each commit."""
    cursor.execute(f"PRAGMA busy_timeout = {round(busy_timeout_s * 1000)}")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA synchronous = FULL")


def _sqlite_engine(address: URL, size: int, begin: str, busy_timeout_s: float) -> AsyncEngine:
    """Return an engine whose transactions begin with `begin`."""
    engine = create_async_engine(
        address,
        connect_args={"isolation_level": None},
        pool_size=size,
        max_overflow=0,
        pool_timeout=60,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def connected(connection: Any, _: object) -> None:
        cursor = connection.cursor()
        set_up_sqlite(cursor, busy_timeout_s)
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _engines(address: URL, busy_timeout_s: float) -> tuple[AsyncEngine, AsyncEngine]:
    """Return the engine for writing and the one for reading."""
    if address.get_backend_name() == "sqlite":
        return (
            _sqlite_engine(address, 1, "BEGIN IMMEDIATE", busy_timeout_s),
            _sqlite_engine(address, _READERS, "BEGIN", busy_timeout_s),
        )
    writer = create_async_engine(
        address,
        pool_size=10,
        max_overflow=10,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 10, "application_name": "mfl-lint"},
    )
    one_state = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    return writer, writer.execution_options(**one_state)


def stored_revision(connection: Connection) -> str | None:
    """Return the revision that the database is at, None if it has none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    return max(found, default=None)


def refuse_newer(found: str | None, name: str, known: Callable[[str], bool]) -> None:
    """Raise StoreError if the database's schema is one that this release does not know."""
    if found is not None and not known(found):
        raise StoreError(
            f"the database {name} has schema {found[:40]}, newer than this release's {SCHEMA}: "
            "use the newer mfl-lint, or another database"
        )


def _check_schema(connection: Connection, name: str) -> None:
    """Raise StoreError unless the schema is this release's."""
    found = stored_revision(connection)
    if found is None:
        raise StoreError(f"the database {name} has no tables yet: run {_UPGRADE}")
    refuse_newer(found, name, lambda revision: revision <= SCHEMA)
    if found != SCHEMA:
        raise StoreError(
            f"the database {name} has schema {found}, this release needs {SCHEMA}: run {_UPGRADE}"
        )


async def _check_opened(store: Store) -> None:
    """Raise StoreError unless the store can be read and written as it is."""
    async with store.read() as connection:
        await connection.run_sync(_check_schema, store.name)
    async with store.write() as connection:
        if store.dialect == "sqlite":
            await connection.exec_driver_sql("UPDATE alembic_version SET version_num = version_num")


@asynccontextmanager
async def open_store(url: str, *, busy_timeout_s: float = 5.0) -> AsyncIterator[Store]:
    """Yield the store at `url`; StoreError where the schema is not this release's.

    `busy_timeout_s`: how long SQLite waits for another process's lock.
    """
    address = parse_address(url, asynchronous=True)
    file = sqlite_file(address)
    if file is not None and not file.is_file():
        raise StoreError(f"there is no database {file}: {_UPGRADE} creates it")
    writer, reader = _engines(address, busy_timeout_s)
    try:
        store = Store(shown(address), writer, reader)
        await _check_opened(store)
        yield store
    finally:
        await reader.dispose()
        await writer.dispose()


def sqlite_warning(version: tuple[int, int, int] = sqlite3.sqlite_version_info[:3]) -> str:
    """Return what `doctor` says of this Python's SQLite, "" if nothing."""
    mended = version >= (3, 51, 3) or any(
        version[:2] == line[:2] and version >= line for line in ((3, 50, 7), (3, 44, 6))
    )
    if mended:
        return ""
    return (
        f"SQLite {'.'.join(map(str, version))} has a rare fault when several processes write to "
        "one database: run one mfl-lint process on it, or use SQLite 3.51.3 or newer, or PostgreSQL"
    )
