"""Where transactions run: each is one synchronous function, run whole."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import get_ident
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from mfl_lint.core.errors import StoreError
from mfl_lint.store.addresses import one_line
from mfl_lint.store.postgresql import MOST_TRIES, gave_way

T = TypeVar("T")
Work = Callable[[Connection], T]


class Lane:
    """An engine, and the threads that its transactions run in: None for the caller's own.

    `name` is told in errors. `keeps`: each thread keeps its connection, which nothing but an
    error ends.
    """

    def __init__(
        self, name: str, engine: Engine, threads: ThreadPoolExecutor | None, *, keeps: bool = False
    ) -> None:
        self.engine = engine
        self.threads = threads
        self._name = name
        self._keeps = keeps
        self._kept: dict[int, Connection] = {}
        self._broken = (SQLAlchemyError, engine.dialect.loaded_dbapi.Error, OSError, UnicodeError)

    async def read(self, work: Work[T]) -> T:
        """Return what `work` returns; nothing is kept. The drivers' errors become StoreError."""
        return await self._run(self._read, work)

    async def write(self, work: Work[T]) -> T:
        """Return what `work` returns: committed at its end, rolled back on errors.

        It is done anew where PostgreSQL broke it off because two waited for one another.
        """
        return await self._run(self._written, work)

    async def _run(self, transaction: Callable[[Work[T]], T], work: Work[T]) -> T:
        if self.threads is None:
            return transaction(work)
        return await asyncio.get_running_loop().run_in_executor(self.threads, transaction, work)

    def _read(self, work: Work[T]) -> T:
        try:
            with self.connected() as connection:
                begun = connection.begin()
                try:
                    return work(connection)
                finally:
                    begun.rollback()
        except self._broken as error:
            raise self.said(error) from error

    def _written(self, work: Work[T]) -> T:
        tries = MOST_TRIES
        while True:
            tries -= 1
            try:
                with self.connected() as connection, connection.begin():
                    return work(connection)
            except self._broken as error:
                if not tries or not gave_way(getattr(error, "orig", error)):
                    raise self.said(error) from error

    def said(self, error: Exception) -> Exception:
        """Return the error, a driver's as one that says in one line what is wrong."""
        if not isinstance(error, self._broken):
            return error
        told = StoreError(f"the database {self._name} cannot be used: {one_line(error)}")
        told.__cause__ = error
        return told

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """Yield a connection; one that an error came through is not kept."""
        connection = self.take()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self.keep(connection)

    def take(self) -> Connection:
        """Return a connection, which nobody else has until it is kept or closed."""
        return self._kept.pop(get_ident(), None) or self.engine.connect()

    def keep(self, connection: Connection) -> None:
        """Keep the connection for the next transaction in this thread, where the lane does so."""
        if self._keeps:
            self._kept[get_ident()] = connection
        else:
            connection.close()

    def close(self) -> None:
        """Wait until what was asked for is done, and close all connections."""
        if self.threads is not None:
            self.threads.shutdown(wait=True)
        self.let_go()
        self.engine.dispose()

    def let_go(self) -> None:
        """Close the connections that are kept; no thread may be at work with one."""
        for connection in self._kept.values():
            connection.close()
        self._kept.clear()
