"""Short reads of SQLite, made in the event loop itself: most pages are one.

Between a reader's thread and the event loop the interpreter's lock goes to and fro with every row,
which cost a page more than its rows did. What is not over at once is broken off, and left to a
thread: the loop never waits longer than `MOST_S` for it, and for no lock at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, event

from mfl_lint.store.lanes import Lane

T = TypeVar("T")
MOST_S: Final = 0.02
# Instructions of SQLite's machine between two looks at the clock: about 0.1 ms.
_INSTRUCTIONS: Final = 10_000


class Glance:
    """A connection of the event loop's own. `lane` must have no threads and wait for no lock."""

    def __init__(self, lane: Lane, clock: Callable[[], float] = time.monotonic) -> None:
        self._lane = lane
        self._clock = clock
        self._until = 0.0
        event.listen(lane.engine, "connect", self._connected)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Return what `work` returns; StoreError where that is not to be had at once."""
        self._until = self._clock() + MOST_S
        return await self._lane.read(work)

    def close(self) -> None:
        """Close the connection."""
        self._lane.close()

    def _connected(self, connection: Any, _: object) -> None:
        connection.set_progress_handler(self._is_over, _INSTRUCTIONS)

    def _is_over(self) -> bool:
        return self._clock() > self._until
