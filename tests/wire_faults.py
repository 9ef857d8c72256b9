"""How a registry can misbehave below HTTP: bytes written to the socket as they are."""

from __future__ import annotations

import asyncio
import itertools
import socket
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from aiohttp import web

from tests.fault_registry import Behaviour, Exchange

_HIGH_WATER: Final = 64 * 1024


class Ending:
    """How a raw answer's connection ends."""

    CLOSE: Final = "close"
    RESET: Final = "reset"
    OPEN: Final = "open"


def raw(pieces: Callable[[bytes, Mapping[str, str]], Iterator[bytes]], **how: Any) -> Behaviour:
    """Write bytes to the socket as they are, made from the true body and headers.

    `interval_s` is between pieces (0), `ending` one of Ending: CLOSE sends what there is and
    closes, RESET aborts, OPEN leaves the connection hanging until the client goes.
    """

    async def answer(exchange: Exchange) -> web.StreamResponse:
        response = await exchange.real()
        body = response.body if isinstance(response.body, bytes) else b""
        await _write(exchange.request, pieces(body, dict(response.headers)), **how)
        return web.Response()

    return answer


async def _write(
    request: web.Request,
    pieces: Iterator[bytes],
    *,
    interval_s: float = 0.0,
    ending: str = Ending.CLOSE,
) -> None:
    transport = request.transport
    assert isinstance(transport, asyncio.Transport)
    for piece in pieces:
        if transport.is_closing():
            return
        transport.write(piece)
        wait = interval_s if transport.get_write_buffer_size() < _HIGH_WATER else 0.01
        await asyncio.sleep(wait)
    # aiohttp tells a handler nothing of the client's going.
    while ending == Ending.OPEN and not transport.is_closing():  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    if ending == Ending.RESET:
        _abort(transport)
    else:
        transport.close()


def _abort(transport: asyncio.Transport) -> None:
    """Close so that the other side sees a reset, not an end."""
    connection: socket.socket = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _head(headers: Mapping[str, str], *, code: int = 200) -> bytes:
    kept = {k: v for k, v in headers.items() if k.lower() not in ("content-length", "connection")}
    lines = [f"HTTP/1.1 {code} Fault", *(f"{name}: {value}" for name, value in kept.items())]
    return "\r\n".join(lines).encode() + b"\r\n"


def reset() -> Behaviour:
    """Reset the connection without an answer."""
    return raw(lambda *_: iter(()), ending=Ending.RESET)


def hung_up() -> Behaviour:
    """Close the connection without an answer."""
    return raw(lambda *_: iter(()))


def not_http(body: bytes = b"SSH-2.0-OpenSSH_9.2\r\n") -> Behaviour:
    """Answer with something that is no HTTP."""
    return raw(lambda *_: iter([body]))


def cut(how: str = "length", share: float = 0.5) -> Behaviour:
    """Send a share of the body and close: by Content-Length, chunked, or at the end of file.

    With `eof` nothing in HTTP says that something is missing.
    """

    def pieces(body: bytes, headers: Mapping[str, str]) -> Iterator[bytes]:
        part = body[: int(len(body) * share)]
        head = _head(headers)
        if how == "length":
            yield head + f"Content-Length: {len(body)}\r\n\r\n".encode() + part
        elif how == "chunked":
            chunk = f"{len(part):x}\r\n".encode() + part + b"\r\n"
            yield head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk
        else:
            yield head + b"Connection: close\r\n\r\n" + part

    return raw(pieces)


def drip(interval_s: float = 0.2) -> Behaviour:
    """Send the true answer, its body a byte at a time."""

    def pieces(body: bytes, headers: Mapping[str, str]) -> Iterator[bytes]:
        yield _head(headers) + f"Content-Length: {len(body)}\r\n\r\n".encode()
        for at in range(len(body)):
            yield body[at : at + 1]

    return raw(pieces, interval_s=interval_s)


def endless_headers(interval_s: float = 0.0, length: int = 100) -> Behaviour:
    """Send headers that never end."""

    def pieces(_: bytes, headers: Mapping[str, str]) -> Iterator[bytes]:
        yield _head(headers)
        for number in itertools.count():
            yield f"X-Fill-{number}: {'x' * length}\r\n".encode()

    return raw(pieces, interval_s=interval_s)


def endless_body(chunk: bytes = b" " * 65536) -> Behaviour:
    """Send a chunked body that never ends."""

    def pieces(_: bytes, headers: Mapping[str, str]) -> Iterator[bytes]:
        yield _head(headers) + b"Transfer-Encoding: chunked\r\n\r\n"
        while True:
            yield f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n"

    return raw(pieces)


def silent() -> Behaviour:
    """Never answer, and keep the connection."""
    return raw(lambda *_: iter(()), ending=Ending.OPEN)
