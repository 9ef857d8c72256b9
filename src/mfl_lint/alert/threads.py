"""Threads for what may get stuck: so many at once of each kind, and nothing waits for them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread
from typing import Final, TypeVar

T = TypeVar("T")
_AT_ONCE: Final = 4


class Threads:
    """Runs work in threads of its own, `at_once` of each key.

    An executor's threads are waited for when the process ends, and whoever shares an executor
    with what is stuck waits too. These are left behind.
    """

    def __init__(self, at_once: int = _AT_ONCE) -> None:
        self._room: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(at_once)
        )

    async def run(self, key: str, work: Callable[[], T]) -> T:
        """Return what `work` returns. Who does not wait any longer leaves its thread its room."""
        room, loop = self._room[key], asyncio.get_running_loop()
        await room.acquire()
        done: Future[T] = Future()
        done.set_running_or_notify_cancel()

        def go() -> None:
            try:
                done.set_result(work())
            except BaseException as error:
                done.set_exception(error)
            with suppress(RuntimeError):  # the loop may be over by now
                loop.call_soon_threadsafe(room.release)

        try:
            Thread(target=go, name=f"alert {key}", daemon=True).start()
        except RuntimeError:  # there are too many threads on this machine
            room.release()
            raise
        return await asyncio.wrap_future(done)
