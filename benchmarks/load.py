"""Load on a server over connections that are kept: a process of its own that is told what to do.

    python -m benchmarks.load

For each line of its standard input, `PORT SECONDS CONNECTIONS PATH`, it asks for that path again
and again, one request at a time on each connection, and prints a line of JSON: how many answers
came, how long that took, and the milliseconds that each took at the median and the 99th percentile.
Any answer but 200 ends it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Final

_HEAD_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length:"


class _Connection(asyncio.Protocol):
    """Sends the next request when an answer is whole, until it is told to end."""

    def __init__(self, request: bytes, until: float) -> None:
        self._request = request
        self._until = until
        self._received = bytearray()
        self._whole = 0
        self.took: list[float] = []
        self.size = 0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(RuntimeError("the server closed a connection"))

    def data_received(self, data: bytes) -> None:
        received = self._received
        received += data
        if not self._whole:
            end = received.find(_HEAD_END)
            if end < 0:
                return
            self._whole = end + len(_HEAD_END) + _length(bytes(received[:end]))
        if len(received) >= self._whole:
            self._take()

    def _take(self) -> None:
        now = time.perf_counter()
        if not self._received.startswith(b"HTTP/1.1 200 "):
            first = bytes(self._received[:200])
            self.ended.set_exception(RuntimeError(f"not 200: {first!r}"))
            return
        self.took.append(now - self._sent)
        self.size, self._whole = self._whole, 0
        self._received.clear()
        if now < self._until:
            self._send()
        else:
            self.ended.set_result(None)
            self._transport.close()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self._request)


def _length(head: bytes) -> int:
    lower = head.lower()
    start = lower.index(_LENGTH) + len(_LENGTH)
    end = lower.find(b"\r", start)
    return int(lower[start : end if end >= 0 else None])


async def _load(port: int, seconds: float, connections: int, path: str) -> dict[str, float]:
    request = (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept-Encoding: gzip\r\n\r\n".encode()
    )
    loop, began = asyncio.get_running_loop(), time.perf_counter()
    made = [
        await loop.create_connection(
            lambda: _Connection(request, began + seconds), "127.0.0.1", port
        )
        for _ in range(connections)
    ]
    await asyncio.gather(*(one.ended for _, one in made))
    wall = time.perf_counter() - began
    took = sorted(seconds for _, one in made for seconds in one.took)
    return {
        "answers": len(took),
        "wall_s": wall,
        "p10_ms": took[len(took) // 10] * 1000,
        "p50_ms": took[len(took) // 2] * 1000,
        "p99_ms": took[min(len(took) - 1, len(took) * 99 // 100)] * 1000,
        "bytes": made[0][1].size,
    }


def main() -> None:
    """Do what each line says."""
    for line in sys.stdin:
        port, seconds, connections, path = line.split()
        found = asyncio.run(_load(int(port), float(seconds), int(connections), path))
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
