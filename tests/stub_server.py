"""Small servers made of one handler, and time that passes only when somebody sleeps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random
from ssl import SSLContext
from typing import Any

import yarl
from aiohttp import web

from mfl_lint.config import HttpConfig
from mfl_lint.demo.registry import running
from mfl_lint.registry.origin import Origin
from mfl_lint.registry.politeness import Limits
from mfl_lint.registry.route import Route
from mfl_lint.registry.transport import Transport

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FakeTime:
    """A monotonic clock that only `sleep` moves; `slept` are the lengths, in order."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        """Return the seconds on the clock."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Pass the time at once."""
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


class Stub:
    """A served handler: where it is and what it was asked."""

    def __init__(self) -> None:
        self.host = ""
        self.scheme = "http"
        self.requests: list[web.Request] = []

    @property
    def paths(self) -> list[str]:
        """Return method and path of each request."""
        return [f"{request.method} {request.path_qs}" for request in self.requests]

    @property
    def route(self) -> Route:
        """Return a route to it, as fast as it can be."""
        return Route(Origin.parse(self.scheme, self.host), Limits(16, 0.0))

    def url(self, path: str) -> yarl.URL:
        """Return the URL of a path on it."""
        return self.route.origin.url(path)


@asynccontextmanager
async def serving(handler: Handler, ssl_context: SSLContext | None = None) -> AsyncIterator[Stub]:
    """Serve one handler for every method and path on a free loopback port."""
    stub = Stub()
    stub.scheme = "https" if ssl_context else "http"

    async def handle(request: web.Request) -> web.StreamResponse:
        stub.requests.append(request)
        return await handler(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    async with running(app, ssl_context=ssl_context, drain_s=0.05) as host:
        stub.host = host
        yield stub


def transport(
    time: FakeTime | None = None, http: HttpConfig | None = None, **more: Any
) -> Transport:
    """Return a transport that never really sleeps, seeded."""
    time = time or FakeTime()
    more.setdefault("random", Random(1))
    return Transport(http or HttpConfig(), clock=time.clock, sleep=time.sleep, **more)
