"""A TCP proxy that cuts connections on request: each after so many bytes in one direction."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Cut:
    """One connection that is cut once `after_bytes` have passed it `upwards` or downwards.

    Connections that carry less pass by. `met` says that it has happened.
    """

    def __init__(self, after_bytes: int, *, upwards: bool) -> None:
        self.after_bytes = after_bytes
        self.upwards = upwards
        self.met = False


class CuttingProxy:
    """Passes on to a server at loopback; `cuts` are used up one after the other."""

    def __init__(self, port: int, *cuts: Cut) -> None:
        self.host = ""
        self.cuts = list(cuts)
        # What is said instead of what, downwards: of the same length.
        self.said = (b"", b"")
        self._port = port

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        both = (writer, back)
        # What still goes on when the test is over is of no interest.
        with contextlib.suppress(asyncio.CancelledError):
            async with asyncio.TaskGroup() as group:
                group.create_task(self._carry(reader, back, both, upwards=True))
                group.create_task(self._carry(there, writer, both, upwards=False))

    async def _carry(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        both: tuple[asyncio.StreamWriter, ...],
        *,
        upwards: bool,
    ) -> None:
        carried = 0
        with contextlib.suppress(OSError):
            while piece := await source.read(65536):
                carried += len(piece)
                target.write(piece if upwards else piece.replace(*self.said))
                await target.drain()
                cut = next((one for one in self.cuts if not one.met), None)
                if cut and cut.upwards is upwards and carried >= cut.after_bytes:
                    cut.met = True
                    for one in both:
                        one.transport.abort()
                    return
        for one in both:
            with contextlib.suppress(OSError):
                one.close()


@asynccontextmanager
async def cutting(port: int, *cuts: Cut) -> AsyncIterator[CuttingProxy]:
    """Yield a proxy to a port of loopback."""
    proxy = CuttingProxy(port, *cuts)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
