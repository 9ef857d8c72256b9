"""Ports where nobody should call, and who called."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any


class Ear:
    """A port that was listened at: how often somebody connected, and what was said."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.calls = 0
        self.heard = b""

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a call: note what is said first, and hang up."""
        self.calls += 1
        self.heard += await reader.read(65536)
        writer.close()

    @property
    def port(self) -> str:
        """Return the port's number."""
        return self.address.rpartition(":")[2]


@asynccontextmanager
async def listening(host: str = "127.0.0.1") -> AsyncIterator[Ear]:
    """Yield an ear at a free port of one of this machine's addresses."""
    ear = Ear(host)
    server = await asyncio.start_server(ear.hear, host, 0)
    ear.address = f"{host}:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield ear


class Connects:
    """The addresses that this process tried to connect to, and the names that it resolved."""

    def __init__(self) -> None:
        self.tried: list[tuple[str, int]] = []
        self.names: list[str] = []
        # There is no way to take a hook away: make one of these for all tests.
        sys.addaudithook(self._note)

    def _note(self, event: str, values: tuple[Any, ...]) -> None:
        if event == "socket.connect" and isinstance(values[1], tuple):
            self.tried.append((str(values[1][0]), int(values[1][1])))
        elif event == "socket.getaddrinfo":
            self.names.append(str(values[0]))

    def clear(self) -> None:
        """Forget what was tried."""
        self.tried.clear()
        self.names.clear()
