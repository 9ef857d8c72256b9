"""Between an event loop that receives a blob and a thread that reads it: a short queue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Final, Generic, TypeVar

from mfl_lint.core.errors import BodyInvalid

T = TypeVar("T")

_PIECES: Final = 8


class FeedAbandoned(BodyInvalid):
    """Nobody waits any more for what the thread reads."""


class Feed(Generic[T]):
    """Hands pieces to `work`, which runs in a thread of its own and reads them as a file.

    At most a few pieces wait. What comes after the work is done is thrown away: with `drains`
    all of it, else `take` says that no more is wanted. `taken_bytes` counts what came.
    """

    def __init__(self, work: Callable[[Feed[T]], T], *, drains: bool) -> None:
        self.taken_bytes = 0
        self._drains = drains
        self._is_abandoned = False
        self._pieces: SimpleQueue[bytes] = SimpleQueue()
        self._left = memoryview(b"")
        self._is_at_end = False
        self._room = asyncio.Semaphore(_PIECES)
        self._loop = asyncio.get_running_loop()
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="mfl-lint-layer")
        self._working = self._loop.run_in_executor(self._threads, work, self)
        self._working.add_done_callback(self._make_room)

    async def take(self, piece: bytes) -> bool:
        """Wait for room and hand a piece on; say whether more is wanted."""
        self.taken_bytes += len(piece)
        await self._room.acquire()
        if self._working.done():
            self._room.release()
            return self._drains
        if piece:
            self._pieces.put(piece)
        return True

    async def result(self) -> T:
        """Return what the work returned, after all was handed on; or raise what it raised."""
        self._pieces.put(b"")
        return await asyncio.shield(self._working)

    async def close(self) -> None:
        """End the work, however far it is, and return when its thread has ended."""
        self._is_abandoned = True
        self._pieces.put(b"")
        try:
            await asyncio.wait([self._working])
        finally:
            self._threads.shutdown(wait=self._working.done())

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes, b"" at the end; for the thread. Raises FeedAbandoned."""
        if not self._left and not self._is_at_end:
            piece = self._pieces.get()
            self._is_at_end = not piece
            self._left = memoryview(piece)
            self._loop.call_soon_threadsafe(self._room.release)
        if self._is_abandoned:
            raise FeedAbandoned("nobody waits for it any more")
        head, self._left = self._left[:size], self._left[size:]
        return bytes(head)

    def clock(self) -> float:
        """Return 0, and 1 as soon as the work is to end: a clock for a deadline in between."""
        return float(self._is_abandoned)

    def _make_room(self, working: asyncio.Future[T]) -> None:
        if not working.cancelled():
            working.exception()  # it may be that nobody asks for it
        self._room.release()
