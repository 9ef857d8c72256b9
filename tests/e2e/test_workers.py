"""The service and a worker as people start them: pages, looks that are asked for, settings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from mfl_lint.config import Config, DatabaseConfig, QueueConfig
from mfl_lint.config_file import load_config
from mfl_lint.core.errors import ConfigInvalid
from mfl_lint.service.serving import serve
from mfl_lint.service.worker import work
from tests.builders import image, index, place
from tests.fault_registry import FaultRegistry
from tests.service.fleet import REGISTRY, SETTINGS
from tests.service.gated import names_in

GOOD = index(image("linux", "amd64"), image("linux", "arm64"))
WRONG = index(image("linux", "amd64"), image("linux", "amd64"))


async def answer(
    pages: aiohttp.ClientSession, what: str, holds: Callable[[list[Any]], bool]
) -> Any:
    """Return the first item of a list in the API, once something holds of all."""
    for _ in range(2000):
        async with pages.get(f"/api/v1/{what}") as response:
            items: list[Any] = (await response.json())["items"]
        if holds(items):
            return items[0]
        await asyncio.sleep(0.05)
    raise AssertionError(items)


async def test_what_workers_crawl_is_on_the_services_pages(
    fresh_postgresql: str, tmp_path: Path
) -> None:
    async with FaultRegistry() as registry:
        place(registry.demo, "team/app", GOOD, "v1")
        file = tmp_path / "settings.toml"
        named = REGISTRY.format(name="here", host=registry.host, more='interval = "1h"')
        file.write_text(SETTINGS.format(url=fresh_postgresql) + "[serve]\nport = 0\n" + named)
        stop, address = asyncio.Event(), asyncio.get_running_loop().create_future()
        config = load_config(file)
        service = asyncio.create_task(serve(lambda: config, ready=address.set_result, stop=stop))
        worker = asyncio.create_task(work(lambda: config, concurrency=2, stop=stop))
        async with asyncio.timeout(60.0), aiohttp.ClientSession(await address) as pages:
            crawl = await answer(
                pages,
                "crawls",
                lambda found: bool(found) and "running" not in [one["status"] for one in found],
            )
            said = (crawl["status"], crawl["repositories"], crawl["tags"], crawl["problem"])
            assert ("done", 1, 1, "") == said
            place(registry.demo, "team/app", WRONG, "v1")
            asked = {"registry": "here", "repository": "team/app", "tag": "v1"}
            async with pages.post("/api/v1/scans", json=asked) as response:
                assert 202 == response.status
            found = await answer(pages, "findings", bool)
            assert ("team/app", "v1") == (found["repository"], found["tag"])
        stop.set()
        await asyncio.gather(service, worker)


async def test_a_worker_refuses_settings_without_a_queue_and_a_queue_without_postgresql(
    tmp_path: Path,
) -> None:
    sqlite = DatabaseConfig(url=f"sqlite:///{tmp_path / 'store.db'}")
    alone = Config(database=sqlite)
    queued = Config(database=sqlite, queue=QueueConfig(backend="postgresql"))
    for config, said in ((alone, "a worker needs"), (queued, "needs database.url to be")):
        with pytest.raises(ConfigInvalid, match=said):
            await work(lambda config=config: config, concurrency=1)  # type: ignore[misc]
    with pytest.raises(ConfigInvalid, match=r"needs database\.url to be"):
        await serve(lambda: queued, ready=print)
    assert [] == names_in(tmp_path)
