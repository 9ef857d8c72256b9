"""What is asked wrongly is refused quickly: huge cursors, bad JSON, bodies of 100 MB."""

from __future__ import annotations

import asyncio
import base64
import random
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from tests.web.conftest import Client

LISTS = (
    "/api/v1/findings", "/api/v1/transitions", "/api/v1/digests", "/api/v1/matrix",
    "/api/v1/crawls", "/api/v1/registries/internal/repositories", "/api/v1/rules/MFL101",
    "/api/v1/r/internal/shop/checkout", "/findings", "/crawls",
)  # fmt: skip
READS = (*LISTS, "/api/v1/overview", "/feed.atom", "/metrics", "/badge/internal/a/b.svg")
TAKEN = ("/api/v1/scans", "/api/v1/ignores")
HUGE = 100 * 1024 * 1024
Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]
BAD_JSON = (b"{", b"[" * 50_000, b'{"a":1e999999}', b"\xff\xfe", b'{"a":"\\ud800"}', b"NaN", b"")
FORMS = ("/login", "/ignores", "/scans", "/logout", "/ignores/1/undo")
_URLENCODED = "Content-Type: application/x-www-form-urlencoded"
_PARTS = "Content-Type: multipart/form-data; boundary=x"
_PART = b'--x\r\nContent-Disposition: form-data; name="token"\r\n'
BAD_FORMS = (
    (_URLENCODED, b"name=\xff\xfe"),
    (_URLENCODED, b"token=%ff%ed%a0%80"),
    (_URLENCODED, b"a&" * 20_000),
    (f"{_URLENCODED}; charset=nonsense", b"name=a"),
    (f"{_URLENCODED}; charset=rot13", b"name=a"),
    (f"{_URLENCODED}\r\nContent-Encoding: gzip", b"name=a"),
    (f"{_URLENCODED}\r\nContent-Encoding: zstd", b"name=a"),
    (f"{_URLENCODED}\r\nContent-Encoding: deflate", zlib.compress(b"a" * 30_000_000)),
    ("Content-Type: multipart/form-data", b"x"),
    (_PARTS, b"--x\r\nx"),
    (_PARTS, _PART + b"Content-Type: text/plain; charset=zz\r\n\r\nx\r\n--x--"),
    (_PARTS, _PART + b"Content-Transfer-Encoding: zz\r\n\r\nx\r\n--x--"),
    (_PARTS, _PART + b"\r\n\xff\r\n--x--"),
)
WRONG_JSON = (
    b"[]", b"null", b"1", b'{"registry":1}', b'{"registry":"internal","x":1}',
    b'{"registry":"internal","repository":"' + b"a/" * 20_000 + b'"}',
    b'{"registry":"internal","rule":"' + b"*?" * 20_000 + b'","reason":"x"}',
    b'{"registry":"internal","rule":"MFL101","reason":"' + b"x" * 60_000 + b'"}',
    b'{"registry":"internal","rule":"MFL101","reason":"x","expires":"9999-99-99T00:00:00Z"}',
    b'{"registry":"internal","rule":"MFL101","reason":"x","tag":"' + b"*a" * 20_000 + b'"}',
    b'{"registry":"\\u0000","repository":"shop/checkout"}',
)  # fmt: skip


def cursor(chance: random.Random) -> str:
    """Return a cursor that no list gave."""
    kind = chance.randrange(5)
    if kind == 0:
        return "A" * chance.choice((501, 2_000, 7_000))
    if kind == 1:
        return chance.randbytes(chance.randrange(1, 200)).hex()
    raw = (
        b"[" * chance.randrange(1, 300)
        if kind == 2
        else b"[%d,%d,%d,%d,%d]" % tuple(chance.randrange(-(10**30), 10**30) for _ in range(5))
        if kind == 3
        else b'{"a":' + chance.randbytes(9).hex().encode() + b"}"
    )
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def requests(chance: random.Random) -> Iterator[bytes]:
    """Yield whole requests, each wrong in its own way; of a huge body only the beginning."""
    while True:
        path = chance.choice(LISTS)
        yield _request("GET", f"{path}?cursor={cursor(chance)}")
        yield _request("GET", f"{path}?limit={chance.choice(('0', '9' * 400, '-1', '1e3'))}")
        body = chance.choice(BAD_JSON)
        kind = "Content-Type: application/json\r\n"
        method = chance.choice(("POST", "PUT", "PATCH", "DELETE"))
        yield _request(method, path, f"{kind}Content-Length: {len(body)}\r\n") + body
        place, body = chance.choice(TAKEN), chance.choice((*BAD_JSON, *WRONG_JSON))
        yield _request("POST", place, f"{kind}Content-Length: {len(body)}\r\n") + body
        place, form = chance.choice(FORMS), chance.choice(BAD_FORMS)
        yield _request("POST", place, f"{form[0]}\r\nContent-Length: {len(form[1])}\r\n") + form[1]
        start = chance.randbytes(chance.choice((0, 1, 60_000)))
        method, place = chance.choice(("GET", "POST")), chance.choice(READS)
        yield _request(method, place, f"{kind}Content-Length: {HUGE}\r\n") + start
        chunked = "Transfer-Encoding: chunked\r\n"
        yield _request("POST", place, kind + chunked) + b"ffff\r\n" + b"x" * 0xFFFF + b"\r\n"


def _request(method: str, target: str, headers: str = "") -> bytes:
    return f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode()


@asynccontextmanager
async def connected(
    client: Client,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(client.host, client.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def answer_to(client: Client, request: bytes) -> tuple[int, float]:
    """Return the status of the answer, and after how many seconds it began."""
    async with connected(client) as (reader, writer):
        began = time.perf_counter()
        writer.write(request)
        line = await asyncio.wait_for(reader.readline(), 30)
        return int(line.split()[1]), time.perf_counter() - began


async def test_what_is_asked_wrongly_is_refused_at_once(
    client: Client, count: Callable[[int], int], seed: int, request: pytest.FixtureRequest
) -> None:
    made = requests(random.Random(seed))
    took: list[float] = []
    for path in READS:
        assert 200 == (await client.get(path.replace("a/b", "shop/checkout/3.10"))).status
    for _ in range(count(2000)):
        asked = next(made)
        status, after = await answer_to(client, asked)
        assert 400 <= status < 500, asked[:300]
        took.append(after)
    took.sort()
    print(f"{len(took)} tries: median {took[len(took) // 2]:.4f} s, longest {took[-1]:.4f} s")
    slowest = -1 if request.config.getoption("--ordeal") else len(took) // 2
    assert took[slowest] < 0.1


@pytest.mark.ordeal
async def test_a_body_of_a_hundred_megabytes_is_not_waited_for(client: Client) -> None:
    async with connected(client) as (reader, writer):
        writer.write(_request("POST", "/api/v1/findings", f"Content-Length: {HUGE}\r\n"))
        whole = await asyncio.wait_for(reader.read(), 30)
    head, _, body = whole.partition(b"\r\n\r\n")

    assert b"413" in head.splitlines()[0]
    assert b"connection: close" in head.lower()
    assert b"application/problem+json" in head
    assert body.endswith(b"}")
