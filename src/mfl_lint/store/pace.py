"""Much work in short transactions, with room between them for whoever else writes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

_LONGEST_PAUSE_S: Final = 2.0


async def paced(work: Callable[[], Awaitable[int]]) -> int:
    """Return what a transaction returns, after a pause as long as it took."""
    begun = time.monotonic()
    number = await work()
    await asyncio.sleep(min(time.monotonic() - begun, _LONGEST_PAUSE_S))
    return number
