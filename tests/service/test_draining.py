"""Slow clients keep nobody waiting, and a service that ends leaves no broken answer."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.e2e.commands import bare_environment
from tests.web import filled_store
from tests.web.conftest import make_database

SLOW: Final = 200
LOAD: Final = 60
STREAMS: Final = 5
PATHS: Final = (
    "/", "/findings", "/api/v1/findings?limit=200", "/api/v1/findings.csv", "/feed.atom",
    "/api/v1/t/internal/shop/checkout:latest", "/metrics", "/api/v1/matrix", "/static/app.css",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with settings and a filled database."""
    url = make_database(tmp_path / "filled.db", filled_store.fill)
    (tmp_path / "mfl-lint.toml").write_text(f"[database]\nurl = '{url}'\n[serve]\nport = 0\n")
    return tmp_path


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Yield the service as its own process, and its address."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mfl_lint", "serve"),
        cwd=folder,
        env=bare_environment(folder / "home"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), 60)
        yield process, line.decode().split()[2].rstrip("/")
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def drip(address: str, stack: ExitStack, number: int) -> None:
    """Ask as slowly as can be: some never end their headers, some never read the answer."""
    parts = urlsplit(address)
    slow = stack.enter_context(socket.create_connection((parts.hostname or "", parts.port or 0)))
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    slow.sendall(b"GET /api/v1/findings?limit=200 HTTP/1.1\r\nHost: localhost\r\n")
    slow.sendall(b"\r\n" if number % 2 else b"X-Slow: ")


async def ask(session: aiohttp.ClientSession, url: str, ended: Counter[str]) -> None:
    """Ask once, and count how it ended: whole, refused before an answer began, or broken."""
    try:
        answer = await session.get(url)
    except (aiohttp.ClientConnectionError, OSError):
        ended["refused"] += 1
        return
    async with answer:
        try:
            await answer.read()
            ended["whole" if answer.status == 200 else str(answer.status)] += 1
        except (aiohttp.ClientError, OSError) as error:
            ended[f"broken: {type(error).__name__}: {error}"] += 1


@contextmanager
def slow_clients(address: str) -> Iterator[None]:
    """Keep so many slow clients while the context lasts."""
    with ExitStack() as stack:
        for number in range(SLOW):
            drip(address, stack, number)
        yield


async def test_two_hundred_slow_clients_keep_nobody_waiting(folder: Path) -> None:
    ended: Counter[str] = Counter()
    async with served(folder) as (_, address), aiohttp.ClientSession() as session:
        with slow_clients(address):
            began = time.monotonic()
            for path in PATHS:
                await asyncio.wait_for(ask(session, address + path, ended), 60)
            took = time.monotonic() - began
    print(f"{len(PATHS)} answers beside {SLOW} slow clients in {took:.2f} s")
    assert {"whole": len(PATHS)} == ended
    assert took < 50


async def load(
    session: aiohttp.ClientSession,
    address: str,
    number: int,
    ended: Counter[str],
    loaded: asyncio.Event,
) -> None:
    """Ask again and again until nobody answers."""
    while ended["refused"] < 200:
        number += 1
        await ask(session, address + PATHS[number % len(PATHS)], ended)
        if ended["whole"] >= LOAD:
            loaded.set()


async def test_sigterm_under_load_breaks_no_answer_and_drains_in_ten_seconds(
    folder: Path, request: pytest.FixtureRequest
) -> None:
    ended: Counter[str] = Counter()
    loaded = asyncio.Event()
    connector = aiohttp.TCPConnector(limit=0)
    async with (
        served(folder) as (process, address),
        aiohttp.ClientSession(connector=connector) as session,
    ):
        with slow_clients(address):
            events = f"{address}/api/v1/crawls/events"
            work = [asyncio.create_task(ask(session, events, ended)) for _ in range(STREAMS)]
            work += [
                asyncio.create_task(load(session, address, number, ended, loaded))
                for number in range(12)
            ]
            await asyncio.wait_for(loaded.wait(), 60)
            os.kill(process.pid, signal.SIGTERM)
            began = time.monotonic()
            _, errors = await asyncio.wait_for(process.communicate(), 110)
            took = time.monotonic() - began
            await asyncio.gather(*work)
    print(f"drained in {took:.2f} s: {dict(ended)}")
    assert (0, False) == (process.returncode, b"Traceback" in errors)
    assert set() == ended.keys() - {"whole", "refused"}
    assert ended["whole"] >= LOAD + STREAMS
    assert took < (10 if request.config.getoption("--ordeal") else 100)
