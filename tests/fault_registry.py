"""The demo's registry made to misbehave on request: real sockets, real HTTP, real faults.

    async with FaultRegistry() as registry:
        place(registry.demo, "team/app", index(image()), "v1")
        registry.fault(AT_INDEX, status(503), times=2)
        ...  # ask registry.host
        assert 3 == registry.count("GET", AT_INDEX[1])

Each request meets the first fault that matches it and has not been used up; the others are
answered as the demo's registry would. The behaviours are in tests/faults.py and
tests/wire_faults.py.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from ssl import SSLContext
from typing import Final, Self

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from mfl_lint.demo.registry import DemoRegistry, running
from tests.token_server import TokenServer, bearer_guard

Match = tuple[str, str]

ANYWHERE: Final[Match] = ("*", "")
AT_TOKEN: Final[Match] = ("*", r"^/token")
AT_PING: Final[Match] = ("*", r"^/v2/$")
AT_CATALOG: Final[Match] = ("GET", r"^/v2/_catalog")
AT_TAGS: Final[Match] = ("GET", r"/tags/list")
AT_MANIFEST: Final[Match] = ("*", r"/manifests/")
AT_INDEX: Final[Match] = ("*", r"/manifests/(?!sha(256|512):)")
AT_CHILD: Final[Match] = ("*", r"/manifests/sha(256|512):")
AT_BLOB: Final[Match] = ("*", r"/blobs/sha(256|512):")


class Recorded(msgspec.Struct, frozen=True):
    """One request as it came in; header names are lower case."""

    method: str
    path: str
    headers: dict[str, str]


class Exchange:
    """A request that meets a fault, and how it would have been answered without."""

    def __init__(self, registry: FaultRegistry, request: web.Request, handler: Handler) -> None:
        self.registry = registry
        self.request = request
        self._handler = handler

    async def real(self) -> web.Response:
        """Return the answer that the registry would have given."""
        try:
            response = await self._handler(self.request)
        except web.HTTPException as answer:
            return web.Response(status=answer.status, text=answer.text, headers=answer.headers)
        assert isinstance(response, web.Response)
        return response

    async def real_body(self) -> bytes:
        """Return the body of that answer."""
        body = (await self.real()).body
        return body if isinstance(body, bytes) else b""


Behaviour = Callable[[Exchange], Awaitable[web.StreamResponse]]


class Fault:
    """What happens to matching requests: `times` of them, after the first `skip`.

    `match` is a method (`*` for any, `GET|HEAD` for some) and a regex found in the path with
    its query. `met` counts the requests that it was used on.
    """

    def __init__(
        self, match: Match, then: Behaviour, times: int | None = None, skip: int = 0
    ) -> None:
        self.then = then
        self.met = 0
        self._methods = frozenset(match[0].split("|"))
        self._path = re.compile(match[1])
        self._times = times
        self._skip = skip

    def takes(self, method: str, path: str) -> bool:
        """Say whether the fault is this request's, and count it."""
        if not (self._methods & {"*", method}) or not self._path.search(path):
            return False
        if self._skip > 0:
            self._skip -= 1
            return False
        if self._times is not None and self.met >= self._times:
            return False
        self.met += 1
        return True


class FaultRegistry:
    """A served DemoRegistry with faults; it can be stopped and started again on its port.

    With a token server its `/token` is on the same host and every request below /v2/ needs a
    token, unless `guard` says otherwise. `requests` holds every request since it was cleared,
    `peak` how many were being answered at once at most.
    """

    def __init__(
        self,
        demo: DemoRegistry | None = None,
        *,
        tokens: TokenServer | None = None,
        guard: Middleware | None = None,
        ssl_context: SSLContext | None = None,
    ) -> None:
        self.demo = demo or DemoRegistry()
        self.tokens = tokens
        self.faults: list[Fault] = []
        self.requests: list[Recorded] = []
        self.peak = 0
        self.host = ""
        self._guard = guard or (bearer_guard(tokens) if tokens else None)
        self._ssl_context = ssl_context
        self._at_once = 0
        self._port = 0
        self._serving: AsyncExitStack | None = None
        self._came = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Serve: on a free port the first time, on the same one again afterwards."""
        self._serving = AsyncExitStack()
        serving = running(self._app(), self._port, ssl_context=self._ssl_context, drain_s=0.05)
        self.host = await self._serving.enter_async_context(serving)
        self._port = int(self.host.rpartition(":")[2])

    async def stop(self) -> None:
        """Close the port and all connections; nothing answers there until `start`."""
        if self._serving is not None:
            serving, self._serving = self._serving, None
            await serving.aclose()

    @property
    def url(self) -> str:
        """Return the URL of the host, without a slash at the end."""
        return f"{'https' if self._ssl_context else 'http'}://{self.host}"

    def fault(
        self, match: Match, then: Behaviour, times: int | None = None, skip: int = 0
    ) -> Fault:
        """Set a fault behind those that are set already, and return it."""
        added = Fault(match, then, times, skip)
        self.faults.append(added)
        return added

    def heal(self) -> None:
        """Take all faults away."""
        self.faults.clear()

    def matching(self, method: str = "*", path: str = "") -> list[Recorded]:
        """Return the recorded requests with one of the methods, the regex found in the path."""
        methods = method.split("|")
        return [
            one
            for one in self.requests
            if ("*" in methods or one.method in methods) and re.search(path, one.path)
        ]

    def count(self, method: str = "*", path: str = "") -> int:
        """Return how many such requests came."""
        return len(self.matching(method, path))

    async def arrived(self, number: int) -> None:
        """Return when so many requests have come, answered or not."""
        while len(self.requests) < number:
            self._came.clear()
            await self._came.wait()

    def _app(self) -> web.Application:
        guards: Iterable[Middleware] = [self._guard] if self._guard else []
        app = self.demo.app([self._meet, *guards])
        if self.tokens is not None:
            self.tokens.add_to(app)
        return app

    @web.middleware
    async def _meet(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Record the request and let its fault answer, if it has one."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append(Recorded(request.method, request.path_qs, headers))
        self._came.set()
        self._at_once += 1
        self.peak = max(self.peak, self._at_once)
        try:
            for fault in self.faults:
                if fault.takes(request.method, request.path_qs):
                    return await fault.then(Exchange(self, request, handler))
            return await handler(request)
        finally:
            self._at_once -= 1
