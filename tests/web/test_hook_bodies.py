"""Strangers who send slowly: whoever knows a webhook's secret is heard all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec
import pytest

from mfl_lint.config import HookConfig
from mfl_lint.store import looks
from tests.web.people import House, config_with, house
from tests.web.test_hooks import GOOD, HOOKS, PUSH, SECRET, VARIABLE, send, signature

STRANGERS: Final = 200
WRONG: Final = signature(secret="another secret altogether")
OTHER: Final = HookConfig("other", "generic", "internal", proof="hmac", secret_env=VARIABLE)
PROOFS: Final[tuple[tuple[str, str, Mapping[str, str]], ...]] = (
    ("carried", "", GOOD),
    ("addressed", "?secret=correct+horse+battery+staple", {}),
    ("signed", "", {"X-Hub-Signature-256": signature()}),
    ("other", "", {"X-Hub-Signature-256": signature()}),
)


@pytest.fixture
async def full(
    filled_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    """Yield an application with webhooks that nobody is signed in at."""
    monkeypatch.setenv(VARIABLE, SECRET)
    config = msgspec.structs.replace(config_with(), hooks=(*HOOKS, OTHER))
    async with house(filled_url, tmp_path, config) as full:
        yield full


class Slow:
    """Somebody who begins a request and sends no more of its body than a byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def status(self) -> int:
        """Return what is answered, once anything is."""
        async with asyncio.timeout(30):
            return int((await self._reader.readline()).split()[1])

    async def is_waited_for(self) -> bool:
        """Say whether nothing is answered yet."""
        try:
            async with asyncio.timeout(0.05):
                await self._reader.readline()
        except TimeoutError:
            return True
        return False


async def slow(
    full: House, target: str, header: str = "", address: str = "127.0.0.1", body: bytes = PUSH
) -> Slow:
    """Begin a request from an address, as whoever holds what the header says."""
    server = full.client.server
    reader, writer = await asyncio.open_connection(
        server.host, server.port, local_addr=(address, 0)
    )
    head = f"POST /hooks/{target} HTTP/1.1\r\nHost: localhost\r\n{header}"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:1])
    await writer.drain()
    return Slow(reader, writer)


@asynccontextmanager
async def strangers(
    full: House, target: str, header: str, address: str = "127.0.0.2"
) -> AsyncIterator[list[Slow]]:
    """Yield many who send slowly, whose requests have all come."""
    made = [await slow(full, target, header, address) for _ in range(STRANGERS)]
    try:
        # Each connection is served in turn: when this is answered, those before it are read.
        assert 401 == (await send(full, "nobody")).status
        yield made
    finally:
        for one in made:
            one.writer.close()


@pytest.mark.parametrize(
    ("target", "header"),
    [
        ("carried", ""),
        ("carried", "Authorization: Bearer nothing\r\n"),
        ("addressed", ""),
        ("addressed?secret=nothing", ""),
        ("signed", ""),
        ("signed", "X-Hub-Signature-256: sha256=nothing\r\n"),
        ("signed", f"X-Hub-Signature-256: {WRONG}\r\n" * 2),
        ("nobody", GOOD["Authorization"].join(("Authorization: ", "\r\n"))),
    ],
)
async def test_who_proves_nothing_is_refused_before_the_body_is_sent(
    full: House, target: str, header: str
) -> None:
    async with strangers(full, target, header) as refused:
        assert {401} == {await one.status() for one in refused}


async def test_strangers_who_send_slowly_keep_no_true_event_out(full: House) -> None:
    header = f"X-Hub-Signature-256: {WRONG}\r\n"
    async with strangers(full, "signed", header) as waiting:
        for name, query, headers in PROOFS:
            answer = await send(full, name, query=query, headers=headers)
            assert 202 == answer.status, name
        ended = [one for one in waiting if not await one.is_waited_for()]
        # What is read at once stays bounded; the oldest were let go for those that came.
        assert waiting[: len(ended)] == ended
        assert STRANGERS - 128 <= len(ended) <= STRANGERS - 128 + len(PROOFS)
    assert ["3.9"] == [one.tag for one in await looks.pending_looks(full.store)]


async def test_strangers_take_no_place_of_another_peer_or_another_webhook(full: House) -> None:
    header = f"X-Hub-Signature-256: {signature()}\r\n"
    first = [await slow(full, name, header) for name in ("signed", "other")]
    wrong = f"X-Hub-Signature-256: {WRONG}\r\n"
    async with strangers(full, "signed", wrong):
        for one in first:
            assert await one.is_waited_for()
            one.writer.write(PUSH[1:])
            assert 202 == await one.status()
            one.writer.close()


async def test_slow_senders_of_one_webhook_keep_no_other_waiting(full: House) -> None:
    # Whoever holds the secret may still be slow.
    async with strangers(full, "carried", f"Authorization: {SECRET}\r\n") as waiting:
        answer = await send(full, "named", headers={"X-Token": SECRET})
        assert 202 == answer.status
        assert all([await one.is_waited_for() for one in waiting[:10]])
