"""The access log: a line a request, whatever a client sends, and never a secret in it."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from yarl import URL

from mfl_lint.config_serve import ProxyConfig, ServeConfig
from mfl_lint.core.access import Right, Role
from mfl_lint.core.secret import new_token, secret_digest
from mfl_lint.service.crawling import utc_now
from mfl_lint.store import api_tokens, migrate, users
from mfl_lint.store.engine import open_store
from mfl_lint.web.access_log import LOGGER
from tests.service.gated import Service, config_of, serving

SECRET = "s3cret-that-nobody-may-read"
TOKEN = new_token()


@dataclass
class Logged:
    """A service that logs, and what it logged."""

    service: Service
    lines: asyncio.Queue[str]

    async def ask(self, path: str, method: str = "GET", **sent: Any) -> int:
        """Ask for something, and return the status."""
        url = URL(self.service.address).join(URL(path, encoded=True))
        async with self.service.client.request(method, url, **sent) as answer:
            await answer.read()
            return answer.status

    async def raw(self, text: bytes) -> None:
        """Send these very bytes, and wait for the end of the answer."""
        url = URL(self.service.address)
        reader, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(text)
        await reader.read()
        writer.close()

    async def next(self) -> str:
        """Return the next line: it is written after the answer."""
        async with asyncio.timeout(10):
            return await self.lines.get()


class _Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: asyncio.Queue[str] = asyncio.Queue()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.put_nowait(record.getMessage())


@asynccontextmanager
async def logged(folder: Path, how: str, **settings: Any) -> AsyncIterator[Logged]:
    """Yield a service in which alice has a token, and who else asks is nobody."""
    config = config_of(folder)
    serve = msgspec.convert({"port": 0, "access_log": how}, ServeConfig)
    serve = msgspec.structs.replace(serve, **settings)
    migrate.upgrade(config.database.url)
    async with open_store(config.database.url) as store:
        await users.add_user(store, "alice", Role.ADMIN, "", who="test", now=utc_now())
        await api_tokens.add_token(
            store,
            "alice",
            "ci",
            secret_digest(TOKEN),
            (Right.READ,),
            expires=None,
            who="test",
            now=utc_now(),
        )
    handler, logger = _Kept(), logging.getLogger(LOGGER)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        async with serving(msgspec.structs.replace(config, serve=serve)) as service:
            yield Logged(service, handler.lines)
    finally:
        logger.removeHandler(handler)


async def test_a_request_is_one_line_of_json(tmp_path: Path) -> None:
    async with logged(tmp_path, "json") as log:
        headers = {"Authorization": f"Bearer {TOKEN}", "User-Agent": "curl/8.5"}
        assert 200 == await log.ask("/api/v1/findings?limit=5", headers=headers)
        line = json.loads(await log.next())
    assert {
        "address": "127.0.0.1",
        "who": "alice",
        "method": "GET",
        "path": "/api/v1/findings",
        "status": 200,
        "agent": "curl/8.5",
    }.items() <= line.items()
    assert {"at", "bytes", "ms"} == line.keys() - {
        *("address", "who", "method", "path", "status", "agent")
    }
    assert line["bytes"] > 0
    assert 0 <= line["ms"] < 60_000


async def test_a_request_is_one_line_of_text(tmp_path: Path) -> None:
    async with logged(tmp_path, "text") as log:
        await log.ask("/healthz", headers={"User-Agent": 'a "quoted" one'})
        line = await log.next()
    expected = (
        r'20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z 127\.0\.0\.1 - "GET /healthz" 200 \d+ '
        r'\d+\.\d+ms "a \\"quoted\\" one"'
    )
    assert re.fullmatch(expected, line)


async def test_nothing_is_logged_unless_it_is_wanted(tmp_path: Path) -> None:
    async with logged(tmp_path, "off") as log:
        await log.ask("/healthz")
    assert log.lines.empty()


@pytest.mark.parametrize("how", ["text", "json"])
async def test_secrets_are_in_no_line(how: str, tmp_path: Path) -> None:
    async with logged(tmp_path, how) as log:
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        await log.ask("/findings", headers=bearer)
        await log.ask(f"/login/oidc/back?code={SECRET}&state={SECRET}")
        await log.ask(f"/api/v1/findings?token={TOKEN}", headers=bearer)
        await log.ask("/", headers={"Cookie": f"mfl_lint={SECRET}; mfl_lint_form={SECRET}"})
        await log.ask("/login", "POST", data={"name": "alice", "password": SECRET})
        await log.ask("/api/v1/findings", headers={"Authorization": f"Basic {SECRET}"})
        await log.ask(f"/r/{TOKEN}", headers={"User-Agent": TOKEN})
        await log.raw(
            f"GET http://me:{SECRET}@localhost/ HTTP/1.1\r\nHost: localhost\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        lines = [await log.next() for _ in range(8)]
    assert not [line for line in lines if SECRET in line or TOKEN in line]


@pytest.mark.parametrize("how", ["text", "json"])
async def test_what_clients_send_ends_no_line_and_moves_no_cursor(how: str, tmp_path: Path) -> None:
    proxy = ProxyConfig(addresses=("127.0.0.1",))
    async with logged(tmp_path, how, proxy=proxy) as log:
        await log.raw(
            b"GET /%0a%1b[31m/%22%c2%9b%e2%80%ae HTTP/1.1\r\nHost: localhost\r\n"
            b"X-Forwarded-For: 10.0.0.1\x85\xe2\x80\xa8\r\n"
            b"User-Agent: \xff\xfe\xc2\x9b31m\xe2\x80\xae" + b"x" * 4000 + b"\r\n"
            b"Connection: close\r\n\r\n"
        )
        line = await log.next()
    assert line.isascii()
    assert line.isprintable()
    assert 1000 > len(line)
    assert "10.0.0.1" in line


async def test_what_is_no_request_at_all_is_logged_as_refused(tmp_path: Path) -> None:
    async with logged(tmp_path, "json") as log:
        await log.raw(b"nonsense\r\n\r\n")
        line = json.loads(await log.next())
    assert (400, "-") == (line["status"], line["who"])


async def test_who_comes_through_a_trusted_proxy_is_logged_by_their_own_address(
    tmp_path: Path,
) -> None:
    proxy = ProxyConfig(addresses=("127.0.0.1",))
    async with logged(tmp_path, "json", proxy=proxy) as log:
        await log.ask("/login", headers={"X-Forwarded-For": "6.6.6.6, 192.0.2.7"})
        line = json.loads(await log.next())
    assert ("192.0.2.7", "anonymous") == (line["address"], line["who"])
