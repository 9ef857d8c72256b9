"""Opening the database: connections, transactions, and errors that a person can act on.

A transaction is one synchronous function that runs whole in a thread: it costs one hop, however
many statements it has. On SQLite all writing of a process happens in one thread; readers have
threads and connections of their own, see the state of their begin and never wait.

A process that crawls and answers nobody has no such threads (`at_once`): its event loop waits for
each transaction. Between two threads the interpreter's lock goes to and fro with every call of
SQLite and of the network, which cost such a crawl more than the transactions themselves.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from copy import copy
from functools import partial
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from sqlalchemy import URL, Connection, create_engine, event

from mfl_lint.core.errors import StoreError
from mfl_lint.store.addresses import parse_address, shown, sqlite_file
from mfl_lint.store.glance import Glance
from mfl_lint.store.lanes import Lane
from mfl_lint.store.postgresql import postgresql_engine
from mfl_lint.store.turns import Turns
from mfl_lint.store.versions import check_usable
from mfl_lint.store.writer import Writer

# What the work of a transaction is given; those who only hand it on need know no more.
Transaction = Connection
P = ParamSpec("P")
T = TypeVar("T")
_READERS: Final = 4
_CONNECTIONS: Final = 10
# More than a crawl has, the sizes of its inserts included: parsing one costs more than running it.
_STATEMENTS: Final = 512


class Store:
    """An open database. The functions of the other modules take it first.

    `sees` are the registries that whoever asks may know of, None for all.

    Whoever is cancelled stops waiting, no more: a transaction that was begun goes on to its end
    in its thread, and is committed or rolled back as if somebody waited.
    """

    def __init__(
        self,
        name: str,
        writer: Lane | Writer,
        reader: Lane,
        sees: frozenset[str] | None = None,
        glance: Glance | None = None,
    ) -> None:
        self.name = name
        self.sees = sees
        # Told, in the same transaction, of which repositories a look is asked for, and why.
        self.asked: Callable[[Connection, Sequence[tuple[str, str]], str], None] | None = None
        self.dialect = writer.engine.dialect.name
        self._check: Callable[[Connection], None] | None = None
        self._writer = writer
        self._reader = reader
        self._glance = glance

    def seeing(self, registries: frozenset[str]) -> Store:
        """Return the same store for somebody who sees these registries only.

        Whatever is read from it to be shown leaves out all others, as if they were not there.
        """
        store = copy(self)
        store.sees = registries
        return store

    def checked(self, check: Callable[[Connection], None]) -> Store:
        """Return the same store, all of whose transactions that write begin with `check`."""
        store = copy(self)
        store._check = check  # noqa: SLF001  # a copy of itself
        return store

    async def read(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return what `work` returns from a transaction that sees one state and keeps nothing."""
        return await self._reader.read(lambda connection: work(connection, *args, **kwargs))

    async def read_at_once(self, work: Callable[[Store], Coroutine[Any, Any, T]]) -> T:
        """Return what `work` returns, which reads one state of the database, however often.

        It runs whole in one transaction, and waits for nothing but that: in the event loop where
        SQLite has it at once, else (again) in a reader's thread.
        """
        parts = (self.name, self._writer, self._reader, self.sees)

        def whole(connection: Connection) -> T:
            return _run_whole(work(_Moment(connection, *parts)))

        if self._glance is not None:
            with suppress(StoreError):
                return await self._glance.read(whole)
        return await self._reader.read(whole)

    async def write(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return what `work` returns: committed at its end, rolled back on errors."""

        def whole(connection: Connection) -> T:
            if self._check is not None:
                self._check(connection)
            return work(connection, *args, **kwargs)

        return await self._writer.write(whole)


class _Moment(Store):
    """A store within a transaction, in its thread: it reads at once, and is not written to."""

    def __init__(self, connection: Connection, *parts: Any) -> None:
        super().__init__(*parts)
        self._connection = connection

    async def read(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return what `work` returns."""
        return work(self._connection, *args, **kwargs)

    async def write(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Refuse."""
        raise RuntimeError("nothing is written while a page is read")


def _run_whole(reading: Coroutine[Any, Any, T]) -> T:
    """Return what a coroutine returns that has nothing to wait for."""
    try:
        reading.send(None)
    except StopIteration as ended:
        value: T = ended.value
        return value
    reading.close()
    raise RuntimeError("what reads a page waited for something else than the database")


def set_up_sqlite(cursor: Any, busy_timeout_s: float) -> None:
    """Make a new connection safe: it waits for locks, checks keys, and syncs each commit."""
    cursor.execute(f"PRAGMA busy_timeout = {round(busy_timeout_s * 1000)}")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA synchronous = FULL")


def _sqlite_lane(
    name: str, address: URL, size: int, begin: str, busy_timeout_s: float, *, at_once: bool
) -> Lane:
    """Return as many threads as connections, whose transactions begin with `begin`."""
    engine = create_engine(
        address,
        connect_args={"isolation_level": None, "cached_statements": _STATEMENTS},
        hide_parameters=True,
        pool_size=size,
        max_overflow=0,
        pool_use_lifo=True,
    )

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _: object) -> None:
        cursor = connection.cursor()
        set_up_sqlite(cursor, busy_timeout_s)
        cursor.close()

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        connection.connection.cursor().execute(begin)

    threads = None if at_once else ThreadPoolExecutor(size, "store")
    return Lane(name, engine, threads, keeps=True)


def _lanes(
    name: str, address: URL, busy_timeout_s: float, turns: Turns | None, *, at_once: bool
) -> tuple[Lane | Writer, Lane, Glance | None]:
    """Return the lanes for writing, for reading, and for short reads; `turns` are SQLite's."""
    if turns is not None:
        lane = partial(_sqlite_lane, name, address)
        return (
            Writer(lane(1, "BEGIN IMMEDIATE", busy_timeout_s, at_once=at_once), turns),
            lane(1 if at_once else _READERS, "BEGIN", busy_timeout_s, at_once=at_once),
            None if at_once else Glance(lane(1, "BEGIN", 0.0, at_once=True)),
        )
    writer = postgresql_engine(
        address,
        "mfl-lint",
        # Disks read anywhere as quickly, and everything has an index: else PostgreSQL reads a
        # table of some thousand rows whole for each fifty of them.
        settings={"random_page_cost": "1.1"},
        pool_size=_CONNECTIONS,
        max_overflow=0,
        pool_pre_ping=True,
    )
    one_state = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    threads = ThreadPoolExecutor(_CONNECTIONS, "store")
    reader = writer.execution_options(**one_state)
    return Lane(name, writer, threads), Lane(name, reader, threads), None


def _touch_schema(connection: Connection) -> None:
    connection.exec_driver_sql("UPDATE alembic_version SET version_num = version_num")


async def _check_opened(store: Store) -> None:
    """Raise StoreError unless the store can be read and written as it is."""
    await store.read(check_usable, store.name)
    if store.dialect == "sqlite":
        await store.write(_touch_schema)


@asynccontextmanager
async def open_store(
    url: str, *, busy_timeout_s: float = 5.0, at_once: bool = False
) -> AsyncIterator[Store]:
    """Yield the store at `url`; StoreError where the schema is not this release's, nor a
    newer one that it may use.

    `busy_timeout_s`: how long SQLite waits for another process's lock. `at_once`: the event loop
    waits for SQLite, which is quicker where it answers nobody meanwhile. Leaving waits for the
    transactions that were begun.
    """
    address = parse_address(url)
    file = sqlite_file(address)
    if file is not None and not file.is_file():
        raise StoreError(f"there is no database {file}: `mfl-lint db upgrade` creates it")
    name = shown(address)
    turns = Turns(file, busy_timeout_s) if file is not None else None
    writer, reader, glance = _lanes(name, address, busy_timeout_s, turns, at_once=at_once)
    try:
        store = Store(name, writer, reader, glance=glance)
        await _check_opened(store)
        yield store
    finally:
        # Without an await: nothing that is cancelled a second time leaves connections open.
        reader.close()
        if glance is not None:
            glance.close()
        writer.close()
        if turns is not None:
            turns.close()
