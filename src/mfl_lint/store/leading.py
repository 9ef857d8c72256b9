"""Who of several services leads: a lock of the database, and a number that grows each time."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from datetime import datetime
from threading import Lock
from typing import Any, Final

from sqlalchemy import Connection, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from mfl_lint.core.errors import LeadershipLost, StoreError
from mfl_lint.store.addresses import one_line, parse_address, shown
from mfl_lint.store.inserts import insert_into
from mfl_lint.store.postgresql import postgresql_engine
from mfl_lint.store.queue_tables import leader

_KEY: Final = 0x6D666C6C6561
# A leader that gives no sign of life for so long is cut off by the database itself.
SILENCE_S: Final = 6.0
# The row is held by whoever wrote as the leader before, until that ends: nobody waits for it here.
_SETTINGS: Final = {
    "idle_session_timeout": f"{round(SILENCE_S * 1000)}",
    "lock_timeout": "1000",
}


def check_leads(connection: Connection, fence: int) -> None:
    """Raise LeadershipLost unless the number is the leader's; it stays so to the commit."""
    mine = select(leader.c.fence).where(leader.c.fence == fence)
    if connection.scalar(mine.with_for_update(read=True)) is None:
        raise LeadershipLost("another service leads now: nothing was written")


def _line(connection: Connection) -> socket.socket:
    """Return the line that a connection goes over."""
    driver: Any = connection.connection.driver_connection
    return socket.socket(fileno=os.dup(driver.fileno()))


class Candidate:
    """One service's claim to lead, over a connection of its own. Synchronous: for a thread.

    The lock ends with the connection: at once where the process is killed, and after SILENCE_S
    where it is stopped, or cannot be reached.
    """

    def __init__(self, url: str, holder: str) -> None:
        address = parse_address(url)
        self._name = shown(address)
        self._holder = holder
        self._engine = postgresql_engine(
            address,
            "mfl-lint leader",
            silence_s=SILENCE_S,
            settings=_SETTINGS,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
        )
        self._turn = Lock()
        self._connection: Connection | None = None
        self._line: socket.socket | None = None
        self._fence: int | None = None

    def ask(self, now: datetime) -> int | None:
        """Return the number of our leadership, None while somebody else leads; StoreError."""
        try:
            with self._turn:
                return self._ask(now)
        except (SQLAlchemyError, OSError) as error:
            self.close()
            raise StoreError(
                f"the database {self._name} cannot be used: {one_line(error)}"
            ) from None

    def _ask(self, now: datetime) -> int | None:
        if self._connection is None:
            self._connection = self._engine.connect()
            self._line = _line(self._connection)
        if self._fence is not None:
            self._connection.execute(text("SELECT 1"))
            return self._fence
        if self._connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _KEY}):
            self._fence = self._grow(self._connection, now)
        return self._fence

    def _grow(self, connection: Connection, now: datetime) -> int:
        mine = {"holder": self._holder, "since": now}
        new = insert_into("postgresql", leader).values(one=1, fence=1, **mine)
        grown = new.on_conflict_do_update(
            index_elements=["one"], set_={"fence": leader.c.fence + 1, **mine}
        )
        return int(connection.execute(grown.returning(leader.c.fence)).scalar_one())

    def interrupt(self) -> None:
        """Break the connection off: whoever waits for the database in a thread fails at once."""
        line = self._line
        if line is not None:
            with suppress(OSError):  # it is closed already
                line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the lock back, with the connection, when nobody asks by it any more."""
        with self._turn:
            connection, self._connection, self._fence = self._connection, None, None
            line, self._line = self._line, None
            if line is not None:
                line.close()
            if connection is not None:
                connection.invalidate()
                connection.close()
