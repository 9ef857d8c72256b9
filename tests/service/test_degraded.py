"""A store that fails for a while: pages read, writes are told 503, and nothing is lost."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mfl_lint.config import CrawlConfig, DatabaseConfig, RegistryConfig
from mfl_lint.store import dump
from mfl_lint.store.engine import open_store
from tests.builders import image, index, place
from tests.postgresql import allow, forbid
from tests.service.gated import GatedRegistry, Service, config_of, serving

# Ten times what is required: other tests run beside this one.
SLOWEST_S = 1.0
TAGS = ("v1", "v2", "v3")


@pytest.fixture
async def registry() -> AsyncIterator[GatedRegistry]:
    """Return a registry with a repository of three tags."""
    async with GatedRegistry().serving() as registry:
        for tag in TAGS:
            place(registry, "team/app", index(image(name=tag)), tag)
        yield registry


async def ask(service: Service, tag: str) -> int:
    """Ask for a look, and return the status."""
    body = {"registry": "lab", "repository": "team/app", "tag": tag}
    async with service.client.post(f"{service.address}api/v1/scans", json=body) as answer:
        await answer.read()
        return answer.status


def crawled(answer: Any) -> bool:
    return [item["status"] for item in answer["items"]] == ["done"]


async def seen(service: Service, path: str) -> int:
    """Return the status of a page."""
    async with service.client.get(f"{service.address}{path}") as answer:
        await answer.read()
        return answer.status


async def slowest_health_s(service: Service, while_runs: asyncio.Task[int]) -> float:
    """Return how long the slowest answer about the service's health took meanwhile."""
    slowest = 0.0
    while not while_runs.done():
        begun = time.perf_counter()
        assert 200 == await seen(service, "healthz")
        slowest = max(slowest, time.perf_counter() - begun)
        await asyncio.sleep(0.01)
    return slowest


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Let another process, as it were, hold the lock for writing."""
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def full(file: Path) -> Iterator[None]:
    """Let no file of this process grow beyond one page of the log."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("harm", [locked, full])
async def test_pages_read_and_writes_are_503_while_sqlite_cannot_write(
    harm: Callable[[Path], AbstractContextManager[None]],
    tmp_path: Path,
    registry: GatedRegistry,
    count: Callable[[int], int],
) -> None:
    lab = RegistryConfig(name="lab", host=registry.host, interval_s=3600.0)
    config = config_of(tmp_path, lab)
    # SQLite is waited for 5 s; it is locked for 30 s when all is tried.
    lasts_s = count(300) / 10
    async with serving(config) as service:
        await service.until("/crawls", crawled)
        with harm(tmp_path / "mfl-lint.db"):
            begun = time.monotonic()
            while True:
                asked = asyncio.create_task(ask(service, "v1"))
                slowest = await slowest_health_s(service, asked)
                assert 503 == await asked
                assert slowest < SLOWEST_S
                for path in (
                    "",
                    "registries/lab",
                    "r/lab/team/app",
                    "t/lab/team/app:v2",
                    "findings",
                ):
                    assert 200 == await seen(service, path), path
                if time.monotonic() - begun >= lasts_s:
                    break
        print(f"{time.monotonic() - begun:.0f} s without writing")
        assert 202 == await ask(service, "v1")
        await service.until("/scans", lambda answer: answer["items"] == [])
    async with open_store(config.database.url) as store:
        assert len(TAGS) == (await dump.figures(store)).rows["tags"]


async def test_a_crawl_that_could_not_write_goes_on_later_and_loses_nothing(
    tmp_path: Path, registry: GatedRegistry
) -> None:
    lab = RegistryConfig(name="lab", host=registry.host, interval_s=3600.0)
    # What held the repository could not say that it let go of it: it is free when this is over.
    config = msgspec.structs.replace(config_of(tmp_path, lab), crawl=CrawlConfig(lease_s=2.0))
    registry.gate.clear()
    async with serving(config) as service:
        await registry.reached.wait()
        with full(tmp_path / "mfl-lint.db"):
            registry.gate.set()
            await asyncio.sleep(1.0)
            assert 0 == (await service.get("/overview"))["registries"][0]["tags"]
        # All of the repository is looked at, before the next round.
        assert 202 == await ask(service, "")
        await service.until(
            "/overview", lambda answer: answer["registries"][0]["tags"] == len(TAGS)
        )


async def test_a_postgresql_that_went_away_is_used_again_when_it_is_back(
    tmp_path: Path, registry: GatedRegistry, fresh_postgresql: str, postgresql_url: str
) -> None:
    name = fresh_postgresql.rpartition("/")[2]
    lab = RegistryConfig(name="lab", host=registry.host, interval_s=3600.0)
    config = msgspec.structs.replace(
        config_of(tmp_path, lab), database=DatabaseConfig(url=fresh_postgresql)
    )
    async with serving(config) as service:
        await service.until("/crawls", crawled)
        await asyncio.to_thread(forbid, postgresql_url, name)
        try:
            asked = asyncio.create_task(ask(service, "v1"))
            slowest = await slowest_health_s(service, asked)
            assert 503 == await asked
            assert slowest < SLOWEST_S
            assert 503 == await seen(service, "readyz")
        finally:
            await asyncio.to_thread(allow, postgresql_url, name)
        assert 200 == await seen(service, "r/lab/team/app")
        assert 202 == await ask(service, "v1")
        await service.until("/scans", lambda answer: answer["items"] == [])
    async with open_store(fresh_postgresql) as store:
        assert len(TAGS) == (await dump.figures(store)).rows["tags"]
