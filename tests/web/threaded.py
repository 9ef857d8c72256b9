"""The application over a database, in a thread of its own, for clients that wait."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.web.conftest import served


@contextmanager
def threaded(url: str) -> Iterator[str]:
    """Yield the address at which the application answers while the context lasts."""
    ready, stop = threading.Event(), asyncio.Event()
    found: list[str] = []
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with served(url) as client:
            found.append(str(client.make_url("/")))
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(30)
        yield found[0].rstrip("/")
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        loop.close()
