"""Where transactions run: each is one synchronous function, run whole."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from mfl_lint.core.errors import StoreError
from mfl_lint.store.addresses import one_line

T = TypeVar("T")
Work = Callable[[Connection], T]
BROKEN: Final = (SQLAlchemyError, sqlite3.Error, OSError, UnicodeError)


class Lane:
    """An engine, and the threads that its transactions run in: None for the caller's own.

    `name` is told in errors.
    """

    def __init__(self, name: str, engine: Engine, threads: ThreadPoolExecutor | None) -> None:
        self.engine = engine
        self.threads = threads
        self._name = name

    async def read(self, work: Work[T]) -> T:
        """Return what `work` returns; nothing is kept. The drivers' errors become StoreError."""
        return await self._run(self._read, work)

    async def write(self, work: Work[T]) -> T:
        """Return what `work` returns: committed at its end, rolled back on errors."""
        return await self._run(self.written, work)

    async def _run(self, transaction: Callable[[Work[T]], T], work: Work[T]) -> T:
        if self.threads is None:
            return transaction(work)
        return await asyncio.get_running_loop().run_in_executor(self.threads, transaction, work)

    def _read(self, work: Work[T]) -> T:
        try:
            with self.engine.connect() as connection:
                return work(connection)
        except BROKEN as error:
            raise self.broken(error) from error

    def written(self, work: Work[T]) -> T:
        """Do in this thread what `write` does."""
        try:
            with self.engine.begin() as connection:
                return work(connection)
        except BROKEN as error:
            raise self.broken(error) from error

    def broken(self, error: Exception) -> StoreError:
        """Return the error that says in one line what is wrong with the database."""
        return StoreError(f"the database {self._name} cannot be used: {one_line(error)}")

    def close(self) -> None:
        """Wait until what was asked for is done, and close all connections."""
        if self.threads is not None:
            self.threads.shutdown(wait=True)
        self.engine.dispose()
