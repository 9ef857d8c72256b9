"""A receiver of messages that misbehaves on request: a real server on loopback."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

import msgspec
from aiohttp import web


@dataclass(frozen=True)
class Got:
    """One request that was taken."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def key(self) -> str:
        """Return the idempotency key."""
        return self.headers.get("webhook-id", "")


class Receiver:
    """Takes what is posted. `answer` says for each request with which status, None for never.

    What is answered 2xx, or never, was taken.
    """

    def __init__(self, answer: Callable[[web.Request], int | None] = lambda _: 204) -> None:
        self.answer = answer
        self.headers: dict[str, str] = {}
        self.taken: list[Got] = []
        self.asked = 0
        self.heard = asyncio.Event()
        self.stalled = 0
        self.url = ""
        self._stalls: set[asyncio.Event] = set()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Receiver:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for stall in self._stalls:
            stall.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.asked += 1
        self.heard.set()
        status = self.answer(request)
        if status is None or 200 <= status < 300:
            headers = {name.lower(): text for name, text in request.headers.items()}
            self.taken.append(Got(request.path, headers, body))
        if status is None:
            self.stalled += 1
            stall = asyncio.Event()
            self._stalls.add(stall)
            await stall.wait()
        return web.Response(status=status or 204, headers=self.headers)

    def keys(self) -> Counter[str]:
        """Return how often each key was taken."""
        return Counter(got.key for got in self.taken)

    def findings(self) -> Counter[str]:
        """Return of how many messages, told apart by key, each piece of news was part."""
        events = {got.key: msgspec.json.decode(got.body) for got in self.taken}
        return Counter(item["id"] for event in events.values() for item in event["data"]["items"])
