"""Crawls as they run: what changed is sent, to few at once, and the service can end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer

from mfl_lint.store import crawls
from mfl_lint.store.engine import open_store
from mfl_lint.web.application import create_app
from mfl_lint.web.links import EVENTS
from tests.web import filled_store
from tests.web.conftest import Client, make_database, services_of

NOW = filled_store.NOW


async def told(answer: aiohttp.ClientResponse) -> Any:
    """Return what the next event says."""
    async with asyncio.timeout(20):
        while line := (await answer.content.readline()).decode():
            if line.startswith("data: "):
                return msgspec.json.decode(line.removeprefix("data: "))
    raise EOFError


@asynccontextmanager
async def listening(client: Client, path: str = EVENTS) -> AsyncIterator[aiohttp.ClientResponse]:
    async with client.get(path) as answer:
        assert (200, "text/event-stream") == (answer.status, answer.content_type)
        assert "nosniff" == answer.headers["X-Content-Type-Options"]
        yield answer


@pytest.fixture
def url(tmp_path: Path) -> str:
    return make_database(tmp_path / "own.db", filled_store.fill)


async def test_an_event_is_what_the_list_of_crawls_is_now(url: str) -> None:
    async with open_store(url) as store:
        app = create_app(await services_of(store), fresh_s=0.05)
        async with TestClient(TestServer(app)) as client, listening(client) as answer:
            first = await told(answer)
            assert await (await client.get("/api/v1/crawls?limit=10")).json() == first
            number = await crawls.start_crawl(store, "edge", NOW)
            second = await told(answer)
            assert number == second["items"][0]["id"]
            await crawls.progress(
                store, number, repositories=3, repositories_done=2, tags=7, requests=9
            )
            assert 7 == (await told(answer))["items"][0]["tags"]


async def test_events_may_be_of_one_registry(client: Client) -> None:
    async with listening(client, f"{EVENTS}?registry=hub") as answer:
        assert {"hub"} == {item["registry"] for item in (await told(answer))["items"]}


async def test_streams_are_bounded_and_end_whole_with_the_service(filled_url: str) -> None:
    async with open_store(filled_url) as store:
        server = TestServer(create_app(await services_of(store)))
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            await server.start_server()
            answers = [await session.get(server.make_url(EVENTS)) for _ in range(201)]
            assert [200] * 200 + [503] == [answer.status for answer in answers]
            assert "application/problem+json" == answers[-1].content_type
            async with asyncio.timeout(10):
                await server.close()
                bodies = await asyncio.gather(*(answer.read() for answer in answers[:200]))
    assert all(body.startswith(b"retry: ") and body.endswith(b"\n\n") for body in bodies)


@pytest.mark.parametrize("path", [f"{EVENTS}?registry=%00", f"{EVENTS}?limit=3"])
async def test_a_stream_that_is_asked_for_wrongly_is_a_problem(client: Client, path: str) -> None:
    answer = await client.get(path)
    assert (400, "application/problem+json") == (answer.status, answer.content_type)
