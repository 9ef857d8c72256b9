"""Bodies of webhooks: read within bounds, so that who proves nothing keeps nobody out who does."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from typing import Final

from aiohttp import web

MAX_BYTES: Final = 1024 * 1024
_CHUNK: Final = 64 * 1024
_BODY_S: Final = 10.0
_PROVEN_AT_ONCE: Final = 16
_UNPROVEN_AT_ONCE: Final = 128
_BUSY: Final = "too much at once; try again"


class Bodies:
    """How many bodies are read at once: of each webhook those that are proven already, and others.

    Those that are proven take turns. The others' room is shared; where it is full, a new one takes
    the place of the oldest of whoever fills it, since true events come whole at once.
    """

    def __init__(self) -> None:
        self._proven: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(_PROVEN_AT_ONCE)
        )
        self._unproven: dict[asyncio.Timeout, tuple[str, str]] = {}

    async def proven(self, request: web.Request, hook: str) -> bytes:
        """Return the body of who is known to hold the webhook's secret."""
        try:
            async with asyncio.timeout(_BODY_S), self._proven[hook]:
                return await _read(request)
        except TimeoutError:
            raise _too_slow() from None

    async def unproven(self, request: web.Request, hook: str, peer: str) -> bytes:
        """Return the body that a signature is over; `peer` is from where it is sent."""
        if len(self._unproven) >= _UNPROVEN_AT_ONCE:
            self._make_room()
        turn = asyncio.timeout(_BODY_S)
        self._unproven[turn] = hook, peer
        try:
            async with turn:
                return await _read(request)
        except TimeoutError:
            if turn in self._unproven:
                raise _too_slow() from None
            raise web.HTTPServiceUnavailable(text=_BUSY, headers={"Retry-After": "1"}) from None
        finally:
            self._unproven.pop(turn, None)

    def _make_room(self) -> None:
        """End the oldest body of the webhook and, there, of the peer that have the most."""
        both = Counter(self._unproven.values())
        hooks = Counter(hook for hook, _ in self._unproven.values())
        fullest = max(both, key=lambda one: (hooks[one[0]], both[one]))
        oldest = next(turn for turn, one in self._unproven.items() if one == fullest)
        del self._unproven[oldest]
        oldest.reschedule(asyncio.get_running_loop().time())


async def _read(request: web.Request) -> bytes:
    """Return the body's bytes as they were sent, up to the bound."""
    body = bytearray()
    async for chunk in request.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > MAX_BYTES:
            raise web.HTTPRequestEntityTooLarge(MAX_BYTES, len(body))
    return bytes(body)


def _too_slow() -> web.HTTPRequestTimeout:
    return web.HTTPRequestTimeout(text="the body did not come to its end")
