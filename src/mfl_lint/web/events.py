"""Crawls while they run, as server-sent events: each is what `/api/v1/crawls` would answer.

Source: HTML Standard, "Server-sent events".
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

import msgspec
from aiohttp import web

from mfl_lint.core.errors import StoreError
from mfl_lint.web.freshness import FRESH_S
from mfl_lint.web.gate import GATE
from mfl_lint.web.kept import KEPT, Body, body_of
from mfl_lint.web.links import EVENTS
from mfl_lint.web.overview import read_crawls
from mfl_lint.web.query import Query, read_query
from mfl_lint.web.sending import key_of, services_of
from mfl_lint.web.viewer import VIEWER

PATH: Final = EVENTS
_MOST: Final = 200
_SHOWN: Final = "10"
_QUIET_S: Final = 15.0
_AGAIN: Final = b"retry: 5000\n\n"


class Streams:
    """The streams that are open; `ended` tells them that the service ends."""

    def __init__(self) -> None:
        self.open = 0
        self.ended = asyncio.Event()


STREAMS: Final = web.AppKey("streams", Streams)


async def events(request: web.Request) -> web.StreamResponse:
    """Send the newest crawls now, and again whenever they changed, until the service ends.

    It ends too when whoever asked may see other things than at the beginning, or nothing.
    """
    asked = read_query(request, {"registry"})
    streams = request.app[STREAMS]
    if streams.open >= _MOST or streams.ended.is_set():
        raise web.HTTPServiceUnavailable(text="too many streams are open; try again later")
    query = Query({**asked.values, "limit": (_SHOWN,)})
    first = await _crawls(request, query)
    response = web.StreamResponse(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
    response.content_type = "text/event-stream"
    streams.open += 1
    try:
        await response.prepare(request)
        with suppress(ConnectionError, StoreError, web.HTTPException):
            await response.write(_AGAIN)
            await _follow(request, response, query, first)
            await response.write_eof()
    finally:
        streams.open -= 1
    return response


async def _follow(
    request: web.Request, response: web.StreamResponse, query: Query, body: Body
) -> None:
    """Send what changed, and a sign of life where nothing does, until the service ends."""
    loop, ended = asyncio.get_running_loop(), request.app[STREAMS].ended
    sent, sent_at = "", 0.0
    while not ended.is_set():
        if body.etag != sent:
            await response.write(b"event: crawls\ndata: " + body.raw + b"\n\n")
            sent, sent_at = body.etag, loop.time()
        elif loop.time() - sent_at >= _QUIET_S:
            await response.write(b": nothing changed\n\n")
            sent_at = loop.time()
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), FRESH_S)
        if (await request.app[GATE].viewer(request)).sight != request[VIEWER].sight:
            return
        body = await _crawls(request, query)


async def _crawls(request: web.Request, query: Query) -> Body:
    async def make() -> Body:
        answer = await read_crawls(services_of(request), {}, query)
        return body_of(msgspec.json.encode(answer), "application/json")

    return await request.app[KEPT].get(await key_of(request, "events", "json", query), make)


async def end_streams(app: web.Application) -> None:
    """Let the open streams end, whole."""
    app[STREAMS].ended.set()
