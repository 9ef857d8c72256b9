"""When requests reach a registry, and how many are there at once."""

from __future__ import annotations

import asyncio
import time

from aiohttp import web

from tests.fault_registry import Behaviour, Exchange


class Stopwatch:
    """The moments in which requests arrived."""

    def __init__(self) -> None:
        self.arrived: list[float] = []
        self.most_at_once = 0
        self._now = 0

    def timed(self, seconds: float) -> Behaviour:
        """Answer so much later, and note when it was asked."""

        async def answer(exchange: Exchange) -> web.StreamResponse:
            self.arrived.append(time.monotonic())
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
            try:
                await asyncio.sleep(seconds)
                return await exchange.real()
            finally:
                self._now -= 1

        return answer
