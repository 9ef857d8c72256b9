"""The fast registry, but each answer comes after 20 ms: what a registry across a network is like.

    python -m benchmarks.slow_registry REPOSITORIES

prints `host:port` when it is ready and ends when its standard input does. GET /most says how many
requests it had at once since it was asked last.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Final

from benchmarks.fast_registry import Connection, Contents, Registry, serve, served

DELAY_S: Final = 0.02


class SlowRegistry(Registry):
    """Counts how many requests wait for their answers."""

    def __init__(self, contents: Contents) -> None:
        super().__init__(contents)
        self.waiting = self.most = 0

    def answer(self, method: bytes, target: bytes) -> bytes:
        """Return the bytes to send."""
        if target == b"/most":
            most, self.most = self.most, 0
            return served("most", 200, str(most).encode(), "text/plain").whole
        return super().answer(method, target)


class SlowConnection(Connection):
    """One client's connection, which asks one thing at a time."""

    def __init__(self, registry: SlowRegistry) -> None:
        super().__init__(registry)
        self._slow = registry

    def data_received(self, data: bytes) -> None:
        """Answer after a while."""
        slow = self._slow
        slow.waiting += 1
        slow.most = max(slow.most, slow.waiting)
        asyncio.get_running_loop().call_later(DELAY_S, self._later, data)

    def _later(self, data: bytes) -> None:
        self._slow.waiting -= 1
        if not self._transport.is_closing():
            super().data_received(data)


if __name__ == "__main__":
    slow = SlowRegistry(Contents(int(sys.argv[1])))
    asyncio.run(serve(lambda: SlowConnection(slow)))
