"""Encoded answers that are sent again: few, bounded in bytes, each made once for all who wait."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from functools import partial
from typing import Final

import msgspec
from aiohttp import web
from multidict import CIMultiDict

_MOST: Final = 512
_MOST_BYTES: Final = 64 * 1024 * 1024
_WORTH_PACKING: Final = 1024
_EFFORT: Final = 4


Sent = tuple[bytes, CIMultiDict[str]]


class Body(msgspec.Struct, eq=False):
    """An answer as it is sent; `etag` changes with its bytes.

    What is sent a second time is packed for that, once, and sent so from then on: an answer that
    is kept holds nothing that is secret of whoever asks. One that is not kept never is.
    """

    raw: bytes
    content_type: str
    etag: str
    _plain: Sent | None = None
    _packed: Sent | None = None

    def to_send(self, *, packs: bool) -> Sent:
        """Return bytes and the headers about them; `packs`: whoever asks understands gzip."""
        if self._plain is None:
            self._plain = self.raw, self._headers()
            return self._plain
        if not packs or len(self.raw) < _WORTH_PACKING:
            return self._plain
        if self._packed is None:
            headers = self._headers()
            headers["Content-Encoding"] = "gzip"
            self._packed = gzip.compress(self.raw, _EFFORT, mtime=0), headers
        return self._packed

    def is_settled(self, *, packs: bool) -> bool:
        """Say whether it is sent again as it was sent last."""
        return not packs or len(self.raw) < _WORTH_PACKING or self._packed is not None

    def _headers(self) -> CIMultiDict[str]:
        text = "; charset=utf-8" if self.content_type.startswith("text/") else ""
        # Weak: the same answer, packed or not.
        headers = {"Content-Type": self.content_type + text, "ETag": f'W/"{self.etag}"'}
        if len(self.raw) >= _WORTH_PACKING:
            headers["Vary"] = "Accept-Encoding"
        return CIMultiDict(headers)


def body_of(raw: bytes, content_type: str) -> Body:
    """Return the bytes with their mark."""
    return Body(raw, content_type, hashlib.sha256(raw).hexdigest()[:32])


class Kept:
    """The answers that were asked for last, by what they depend on."""

    def __init__(self, most: int = _MOST, most_bytes: int = _MOST_BYTES) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[Hashable, Body] = OrderedDict()
        self._making: dict[Hashable, asyncio.Task[Body]] = {}

    async def get(self, key: Hashable, make: Callable[[], Awaitable[Body]]) -> Body:
        """Return the answer of that key, made now if it is not kept; a failure is not kept."""
        body = self._kept.get(key)
        if body is not None:
            self._kept.move_to_end(key)
            return body
        making = self._making.get(key)
        if making is None:
            making = self._making[key] = asyncio.ensure_future(_made(make))
            making.add_done_callback(partial(self._end, key))
        # Whoever goes away leaves the others their answer.
        return await asyncio.shield(making)

    def _end(self, key: Hashable, making: asyncio.Task[Body]) -> None:
        del self._making[key]
        if making.cancelled() or making.exception() is not None:
            return
        body = making.result()
        self._kept[key] = body
        self._bytes += len(body.raw)
        while len(self._kept) > self._most or self._bytes > self._most_bytes:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= len(oldest.raw)

    async def close(self) -> None:
        """End what is still being made."""
        making = tuple(self._making.values())
        for one in making:
            one.cancel()
        await asyncio.gather(*making, return_exceptions=True)


async def _made(make: Callable[[], Awaitable[Body]]) -> Body:
    return await make()


KEPT: Final = web.AppKey("kept", Kept)
