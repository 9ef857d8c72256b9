"""A small registry whose manifests wait behind a gate, and the service over it, in-process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Handler

from mfl_lint.config import Config, DatabaseConfig, RegistryConfig, ServeConfig
from mfl_lint.demo.registry import DemoRegistry, running
from mfl_lint.service.serving import serve

_TIMEOUT_S: Final = 30.0


class GatedRegistry(DemoRegistry):
    """Answers for manifests wait while the gate is shut; `reached` says that one does.

    Those only of which the path holds a part that is among `shut`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.host = ""
        self.gate = asyncio.Event()
        self.gate.set()
        self.reached = asyncio.Event()
        self.shut: tuple[str, ...] = ("",)
        self.listings: asyncio.Queue[str] = asyncio.Queue()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[GatedRegistry]:
        """Answer on loopback while the context lasts."""
        async with running(self.app([self._guard])) as host:
            self.host = host
            yield self

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path == "/v2/_catalog":
            self.listings.put_nowait(request.path)
        if "/manifests/" in request.path and any(part in request.path for part in self.shut):
            self.reached.set()
            await self.gate.wait()
        return await handler(request)

    def asked(self, part: str) -> list[str]:
        """Return the paths that were asked for and hold the part."""
        return [entry.path for entry in self.access_log if part in entry.path]


def config_of(folder: Path, *registries: RegistryConfig) -> Config:
    """Return settings with a database in the folder and any free port."""
    return Config(
        registries=registries,
        database=DatabaseConfig(url=f"sqlite:///{folder / 'mfl-lint.db'}"),
        serve=ServeConfig(port=0),
    )


def names_in(folder: Path) -> list[str]:
    """Return the names of what is in the folder."""
    return sorted(path.name for path in folder.iterdir())


@dataclass
class Service:
    """The running service; `config` is what it reads at a reload."""

    config: Config
    client: aiohttp.ClientSession
    load: Callable[[], Config] | None = None
    address: str = ""

    def read(self) -> Config:
        """Return the configuration, as `load` gives it where a test set one."""
        return self.load() if self.load else self.config

    async def get(self, path: str) -> Any:
        """Return what the API sends."""
        async with self.client.get(f"{self.address}api/v1{path}") as answer:
            assert 200 == answer.status, await answer.text()
            return await answer.json()

    async def until(self, path: str, holds: Callable[[Any], bool]) -> Any:
        """Ask the API until what it sends is as wanted, and return it."""
        async with asyncio.timeout(_TIMEOUT_S):
            while not holds(answer := await self.get(path)):
                pass
        return answer


@asynccontextmanager
async def serving(
    config: Config, *, looks_every_s: float = 3600.0, insecure: bool = False
) -> AsyncIterator[Service]:
    """Run the service while the context lasts; it ends as by SIGTERM."""
    stop, address = asyncio.Event(), asyncio.get_running_loop().create_future()
    async with aiohttp.ClientSession() as client:
        service = Service(config, client)
        work = asyncio.create_task(
            serve(
                service.read,
                ready=address.set_result,
                stop=stop,
                looks_every_s=looks_every_s,
                insecure=insecure,
            )
        )
        await asyncio.wait([work, address], return_when=asyncio.FIRST_COMPLETED)
        try:
            if address.done():
                service.address = address.result()
                yield service
        finally:
            stop.set()
            await asyncio.wait_for(work, 10.0)
