"""The body of an answer: bounded before and after inflating, and few large ones at once."""

from __future__ import annotations

import asyncio
import zlib
from contextlib import AsyncExitStack
from typing import Final

import aiohttp

from mfl_lint.core.errors import BodyInvalid
from mfl_lint.registry.answer import MAX_ERROR_BYTES, place, plain

# Nearly all documents are smaller. What one host can make us hold is its connections times
# this, and its large answers in full.
LARGE_BYTES: Final = 256 * 1024
LARGE_AT_ONCE: Final = 2


async def read_body(
    response: aiohttp.ClientResponse, limit: int, large: asyncio.Semaphore
) -> bytes:
    """Return the whole body; raise BodyInvalid above `limit` bytes, before and after inflating.

    Of an answer above 299 only what an error document needs is kept. A body that is, or becomes,
    more than LARGE_BYTES waits for a turn of `large` before that much is read.
    """
    if response.method == "HEAD":
        return b""
    wanted = response.status < 300
    length = response.content_length
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    encoded = encoding not in ("", "identity")
    if wanted and length is not None:
        if length > limit:
            raise _too_large(response, limit)
        if length <= LARGE_BYTES and not encoded:
            return await response.read()
    async with AsyncExitStack() as turn:
        if encoded:
            await turn.enter_async_context(large)
        bound = limit if wanted else MAX_ERROR_BYTES
        body = await _read_some(response, bound, None if encoded else large, turn, whole=wanted)
        if not encoded:
            return body
        try:
            return _inflate(response, body, encoding, bound)
        except BodyInvalid:
            if wanted:
                raise
            return b""


async def _read_some(
    response: aiohttp.ClientResponse,
    limit: int,
    large: asyncio.Semaphore | None,
    turn: AsyncExitStack,
    *,
    whole: bool,
) -> bytes:
    """Return the body up to the limit; one that is longer is an error only if `whole`.

    `large` is waited for, and left to `turn`, when the body is found to be large; None = done.
    """
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > limit:
            if not whole:
                del body[limit:]
                break
            # The error's traceback must not keep it alive.
            body.clear()
            raise _too_large(response, limit)
        if large is not None and len(body) > LARGE_BYTES:
            await turn.enter_async_context(large)
            large = None
    return bytes(body)


def _inflate(response: aiohttp.ClientResponse, body: bytes, encoding: str, limit: int) -> bytes:
    """Return the body without its gzip coding, the only one that servers send unasked."""
    where = f"{response.method} {place(response.url)}"
    if encoding not in ("gzip", "x-gzip"):
        raise BodyInvalid(f"{where}: encoded as {plain(encoding, 40)}, which was not asked for")
    inflater = zlib.decompressobj(wbits=31)
    try:
        plain_body = inflater.decompress(body, limit + 1)
    except zlib.error:
        raise BodyInvalid(f"{where}: its gzip encoding is damaged") from None
    if len(plain_body) > limit:
        del plain_body, body, inflater
        raise _too_large(response, limit)
    if not inflater.eof or inflater.unused_data:
        raise BodyInvalid(f"{where}: its gzip encoding is cut or goes on behind its end")
    return plain_body


def _too_large(response: aiohttp.ClientResponse, limit: int) -> BodyInvalid:
    return BodyInvalid(f"{response.method} {place(response.url)}: more than {limit} bytes")
