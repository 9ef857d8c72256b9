"""The very same request within a moment gets the very same answer, and nobody else does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from mfl_lint.store.engine import open_store
from mfl_lint.web.application import create_app
from mfl_lint.web.freshness import FRESHNESS
from tests.web.conftest import Client, services_of


@asynccontextmanager
async def counting(url: str, fresh_s: float = 3600.0) -> AsyncIterator[tuple[Client, list[int]]]:
    """Yield a client, and a list that grows where an answer is made by the application."""
    made: list[int] = []
    async with open_store(url) as store:
        services = await services_of(store)
        app = create_app(services, fresh_s=fresh_s)

        @web.middleware
        async def heard(request: web.Request, handler: object) -> web.StreamResponse:
            made.append(1)
            return await handler(request)  # type: ignore[operator,no-any-return]  # aiohttp's

        app.middlewares.insert(1, heard)
        server = TestServer(app)
        await server.start_server(auto_decompress=False)
        async with TestClient(server) as client:
            yield client, made


async def text_of(client: Client, path: str, **headers: str) -> tuple[int, str, dict[str, str]]:
    async with client.get(path, headers=headers) as answer:
        kept = {name: value for name, value in answer.headers.items() if name != "Date"}
        return answer.status, await answer.text(), kept


@pytest.mark.parametrize(
    "path", ["/", "/findings", "/api/v1/findings", "/feed.atom", "/badge/hub/nothing/latest.svg"]
)
async def test_the_same_request_gets_the_same_answer_without_its_being_made(
    filled_url: str, path: str
) -> None:
    async with counting(filled_url) as (client, made):
        first = [await text_of(client, path) for _ in range(3)]
        before = len(made)
        again = [await text_of(client, path) for _ in range(3)]
        assert before == len(made)
        assert [first[-1]] * 3 == again
        assert "Content-Security-Policy" in again[0][2]


async def test_what_was_written_is_shown_once_the_moment_is_over(filled_url: str) -> None:
    async with counting(filled_url) as (client, made):
        for _ in range(3):
            await text_of(client, "/findings")
        before = len(made)
        assert client.app is not None
        client.app[FRESHNESS].forget()
        await text_of(client, "/findings")
        assert before + 1 == len(made)


async def test_another_header_is_another_request(filled_url: str) -> None:
    async with counting(filled_url) as (client, made):
        for _ in range(3):
            await text_of(client, "/findings")
        before = len(made)
        for name, value in (
            ("Cookie", "a=b"),
            ("Authorization", "Bearer wrong"),
            ("Host", "elsewhere.example"),
            ("Accept-Encoding", "identity"),
            ("If-None-Match", "*"),
        ):
            status, *_ = await text_of(client, "/findings", **{name: value})
            expected = {"Authorization": 401, "Host": 403, "If-None-Match": 304}
            assert expected.get(name, 200) == status
        assert before + 5 == len(made)


@pytest.mark.parametrize("path", ["/healthz", "/account", "/findings?severity=none", "/nowhere"])
async def test_what_is_no_kept_answer_is_made_each_time(filled_url: str, path: str) -> None:
    async with counting(filled_url) as (client, made):
        for _ in range(5):
            await text_of(client, path)
        assert 5 == len(made)
