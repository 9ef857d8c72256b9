"""A worker's signs of life: whoever gave none for so long drops what others may do by now."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from mfl_lint.core.errors import StoreError


class Pulse:
    """The signs of life of one worker. After `stalled_s` without any, it is taken for dead."""

    def __init__(self, stalled_s: float) -> None:
        self.stalled_s = stalled_s
        self._doing: set[asyncio.Task[None]] = set()
        self._end: asyncio.TimerHandle | None = None

    def beat(self, sent_at: float) -> None:
        """Note that a sign of life was sent, at a time of the event loop, and has arrived."""
        if self._end is not None:
            self._end.cancel()
        loop = asyncio.get_running_loop()
        self._end = loop.call_at(sent_at + self.stalled_s, self.drop)

    def drop(self) -> None:
        """Break off all that is being done: it asks nobody anything any more."""
        for task in self._doing:
            task.cancel()

    async def during(self, work: Coroutine[Any, Any, None]) -> None:
        """Do a job; StoreError where it was dropped."""
        task = asyncio.ensure_future(work)
        self._doing.add(task)
        try:
            await task
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                raise
            raise StoreError("this worker gave no sign of life: others do its jobs") from None
        finally:
            self._doing.discard(task)
