"""SQLite's one writer: transactions that wait at the same time are committed together.

Each is all or nothing by itself, and nobody is told before the commit: that, the wait for the
disk, is what takes the time.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final, NamedTuple, TypeVar

from sqlalchemy import Connection

from mfl_lint.store.lanes import Lane, Work
from mfl_lint.store.turns import Turns

T = TypeVar("T")
# How soon it is tried again to get a turn that another process has.
_AGAIN_S: Final = 0.001


class _Ended(NamedTuple):
    """What a transaction returned, or the error that it ended with."""

    value: Any = None
    error: Exception | None = None


class _Waiting(NamedTuple):
    """A transaction, and who waits for it."""

    work: Work[Any]
    told: asyncio.Future[Any]

    def tell(self, ended: _Ended) -> None:
        if self.told.done():  # whoever asked has left: it was done all the same
            return
        if ended.error is not None:
            self.told.set_exception(ended.error)
        else:
            self.told.set_result(ended.value)


Group = list[_Waiting]


class Writer:
    """Commits what waits; what comes meanwhile waits for the next time. `turns` are taken.

    A lane with a thread does all of that there. Without one the statements are run at once,
    and a thread does no more than wait for the disk.
    """

    def __init__(self, lane: Lane, turns: Turns) -> None:
        self.engine = lane.engine
        self._lane = lane
        self._turns = turns
        self._waiting: Group = []
        self._is_busy = False
        self._is_closed = False
        self._held: Connection | None = None
        self._disk = ThreadPoolExecutor(1, "disk")

    async def write(self, work: Work[T]) -> T:
        """Return what `work` returns: committed, or rolled back on errors."""
        loop = asyncio.get_running_loop()
        told: asyncio.Future[T] = loop.create_future()
        self._waiting.append(_Waiting(work, told))
        if not self._is_busy:
            self._is_busy = True
            loop.call_soon(self._begin, loop)
        return await told

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._is_closed:
            return
        if self._lane.threads is None:
            self._begin_here(loop, time.monotonic() + self._turns.patience_s)
            return
        group, self._waiting = self._waiting, []
        ended = loop.run_in_executor(self._lane.threads, self._committed, group)
        ended.add_done_callback(lambda done: self._tell(loop, group, done.result()))

    def _committed(self, group: Group) -> list[_Ended]:
        """Return how each of the transactions ended, after all were committed."""
        try:
            with self._turns.turn(), self._lane.connected() as one, one.begin():
                return self._each(one, group)
        except Exception as error:
            return self._failed(group, error)

    def _begin_here(self, loop: asyncio.AbstractEventLoop, until: float) -> None:
        if self._is_closed:
            return
        if not self._turns.take_now():
            if time.monotonic() < until:
                loop.call_later(_AGAIN_S, self._begin_here, loop, until)
            else:
                group, self._waiting = self._waiting, []
                locked = sqlite3.OperationalError("database is locked")
                self._tell(loop, group, self._failed(group, locked))
            return
        group, self._waiting = self._waiting, []
        ended: list[_Ended] = []
        error: BaseException | None = None
        try:
            self._held = self._lane.take()
            self._held.begin()
            ended = self._each(self._held, group)
        except BaseException as failure:
            error = failure
        if error is not None and not isinstance(error, Exception):
            self._end(error)
            raise error
        written = loop.run_in_executor(self._disk, self._end, error)

        def tell(done: asyncio.Future[Exception | None]) -> None:
            failed, connection, self._held = done.result(), self._held, None
            if failed is None and connection is not None and not self._is_closed:
                self._lane.keep(connection)
            self._tell(loop, group, ended if failed is None else self._failed(group, failed))

        written.add_done_callback(tell)

    def _end(self, error: BaseException | None) -> Exception | None:
        """Commit, or roll back after an error; give the turn back; return the error."""
        failed = error if isinstance(error, Exception) else None
        try:
            if error is None and self._held is not None:
                self._held.commit()
        except Exception as failure:
            failed = failure
        finally:
            if (failed or error) and self._held is not None:
                with suppress(Exception):  # what cannot be closed was lost with the error
                    self._held.close()
            self._turns.give_back()
        return failed

    def _each(self, connection: Connection, group: Group) -> list[_Ended]:
        """Do one after the other; what one of them breaks off is undone, and stops no other."""
        if len(group) == 1:
            return [_Ended(group[0].work(connection))]
        ended = []
        for waiting in group:
            connection.exec_driver_sql("SAVEPOINT own")
            try:
                ended.append(_Ended(waiting.work(connection)))
            except Exception as error:
                connection.exec_driver_sql("ROLLBACK TO own")
                ended.append(self._broken_off(error))
            connection.exec_driver_sql("RELEASE own")
        return ended

    def _tell(self, loop: asyncio.AbstractEventLoop, group: Group, ended: list[_Ended]) -> None:
        for waiting, end in zip(group, ended, strict=True):
            waiting.tell(end)
        self._is_busy = bool(self._waiting)
        if self._waiting:
            loop.call_soon(self._begin, loop)

    def _failed(self, group: Group, error: Exception) -> list[_Ended]:
        return [self._broken_off(error)] * len(group)

    def _broken_off(self, error: Exception) -> _Ended:
        return _Ended(error=self._lane.said(error))

    def close(self) -> None:
        """Commit what waits still, and close all connections."""
        self._is_closed = True
        self._disk.shutdown(wait=True)
        if self._lane.threads is not None:
            self._lane.threads.shutdown(wait=True)
        if self._held is not None:
            self._held.close()
        self._lane.let_go()
        group, self._waiting = self._waiting, []
        if group:
            for waiting, end in zip(group, self._committed(group), strict=True):
                waiting.tell(end)
        self._lane.close()
