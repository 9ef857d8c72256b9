"""The faults are real: seen by a client that knows nothing of them, or on the bare socket."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import (
    ClientConnectionError,
    ClientError,
    ClientPayloadError,
    ClientResponseError,
    ClientSession,
    ClientTimeout,
    ServerDisconnectedError,
)

from tests import faults, wire_faults
from tests.builders import image, index, place
from tests.fault_registry import AT_BLOB, AT_CHILD, AT_INDEX, AT_TAGS, FaultRegistry
from tests.servers import self_signed

CHILD = image("linux", "arm64")
LIST = index(image(), CHILD)
PATH = "/v2/app/manifests/v1"
CHILD_PATH = f"/v2/app/manifests/{CHILD.digest}"


@pytest.fixture
def registry(fault_registry: FaultRegistry) -> FaultRegistry:
    place(fault_registry.demo, "app", LIST, "v1")
    return fault_registry


@pytest.fixture
async def client(registry: FaultRegistry) -> AsyncIterator[ClientSession]:
    limit = ClientTimeout(total=5)
    async with ClientSession(registry.url, auto_decompress=False, timeout=limit) as session:
        yield session


async def read(client: ClientSession, path: str = PATH) -> bytes:
    async with client.get(path, allow_redirects=False) as answer:
        return await answer.read()


async def head_of(registry: FaultRegistry, path: str, length: int) -> bytes:
    """Return the first bytes that the socket gives for a GET."""
    reader, writer = await asyncio.open_connection(*registry.host.split(":"))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {registry.host}\r\n\r\n".encode())
    data = b""
    while len(data) < length and (more := await reader.read(length - len(data))):
        data += more
    writer.close()
    await writer.wait_closed()
    return data


async def test_a_fault_takes_as_many_requests_as_it_was_told_after_those_it_skips(
    registry: FaultRegistry, client: ClientSession
) -> None:
    fault = registry.fault(AT_INDEX, faults.status(503), times=2, skip=1)
    statuses = []
    for _ in range(5):
        async with client.get(PATH) as answer:
            statuses.append(answer.status)
    assert [200, 503, 503, 200, 200] == statuses
    assert 2 == fault.met


async def test_a_fault_meets_its_own_method_and_path_only(
    registry: FaultRegistry, client: ClientSession
) -> None:
    registry.fault(("GET", AT_CHILD[1]), faults.status(403))
    expected = {("HEAD", CHILD_PATH): 200, ("GET", PATH): 200, ("GET", CHILD_PATH): 403}
    for (method, path), status in expected.items():
        async with client.request(method, path) as answer:
            assert status == answer.status
    registry.heal()
    assert CHILD.raw == await read(client, CHILD_PATH)


async def test_every_request_is_recorded_with_its_headers(
    registry: FaultRegistry, client: ClientSession
) -> None:
    await (await client.get(f"{PATH}?a=b", headers={"Accept": "x/y"})).read()
    await (await client.head(CHILD_PATH)).read()
    assert [("GET", f"{PATH}?a=b"), ("HEAD", CHILD_PATH)] == [
        (one.method, one.path) for one in registry.requests
    ]
    assert "x/y" == registry.requests[0].headers["accept"]
    assert 1 == registry.count("HEAD", AT_CHILD[1])
    assert 2 == registry.count()


async def test_errors_come_as_the_registrys_document_or_as_a_page(
    registry: FaultRegistry, client: ClientSession
) -> None:
    registry.fault(AT_INDEX, faults.status(404), times=1)
    registry.fault(AT_INDEX, faults.html(404), times=1)
    async with client.get(PATH) as answer:
        assert "MANIFEST_UNKNOWN" == (await answer.json())["errors"][0]["code"]
    async with client.get(PATH) as answer:
        assert (404, "text/html") == (answer.status, answer.content_type)


@pytest.mark.parametrize("value", ["7", "Fri, 31 Dec 2038 23:59:59 GMT", "soon", None])
async def test_throttling_says_retry_after_as_told(
    registry: FaultRegistry, client: ClientSession, value: str | None
) -> None:
    registry.fault(AT_INDEX, faults.throttled(value))
    async with client.get(PATH) as answer:
        assert (429, value) == (answer.status, answer.headers.get("Retry-After"))


async def test_a_hook_moves_the_tag_between_head_and_get(
    registry: FaultRegistry, client: ClientSession
) -> None:
    other = index(image("linux", "s390x"))
    registry.fault(("HEAD", PATH), faults.after(lambda r: place(r.demo, "app", other, "v1")), 1)
    async with client.head(PATH) as head:
        assert str(LIST.digest) == head.headers["Docker-Content-Digest"]
    assert other.raw == await read(client)


async def test_a_hook_deletes_a_child_in_the_middle_of_a_walk(
    registry: FaultRegistry, client: ClientSession
) -> None:
    async def delete(there: FaultRegistry) -> None:
        there.demo.delete_manifest("app", CHILD.digest)

    registry.fault(AT_CHILD, faults.before(delete), times=1)
    async with client.get(CHILD_PATH) as answer:
        assert 404 == answer.status


async def test_one_bit_is_flipped_and_the_header_still_says_the_true_digest(
    registry: FaultRegistry, client: ClientSession
) -> None:
    registry.fault(AT_INDEX, faults.flipped(5))
    async with client.get(PATH) as answer:
        body = await answer.read()
        assert str(LIST.digest) == answer.headers["Docker-Content-Digest"]
    different = [at for at, pair in enumerate(zip(LIST.raw, body, strict=True)) if len({*pair}) > 1]
    assert [5] == different


async def test_the_digest_header_is_wrong_or_missing(
    registry: FaultRegistry, client: ClientSession
) -> None:
    for value in ("sha256:nonsense", None):
        registry.faults = []
        registry.fault(AT_INDEX, faults.digest_header(value))
        async with client.get(PATH) as answer:
            assert value == answer.headers.get("Docker-Content-Digest")
            assert LIST.raw == await answer.read()


async def test_garbage_comes_under_the_true_media_type(
    registry: FaultRegistry, client: ClientSession
) -> None:
    registry.fault(AT_INDEX, faults.garbage(b"\xff"))
    async with client.get(PATH) as answer:
        assert (LIST.media_type, b"\xff") == (answer.content_type, await answer.read())


async def test_redirects_go_elsewhere_or_in_a_circle(
    registry: FaultRegistry, client: ClientSession
) -> None:
    registry.fault(AT_INDEX, faults.redirected("http://other.test/x"), times=1)
    registry.fault(AT_INDEX, faults.looping(), times=1)
    for expected in ("http://other.test/x", PATH):
        async with client.get(PATH, allow_redirects=False) as answer:
            assert (307, expected) == (answer.status, answer.headers["Location"])


async def test_listings_point_to_themselves_away_or_never_end(
    registry: FaultRegistry, client: ClientSession
) -> None:
    path = "/v2/app/tags/list"
    registry.fault(AT_TAGS, faults.page_to_itself(), times=1)
    registry.fault(AT_TAGS, faults.page(["v1"], "http://other.test/y"), times=1)
    registry.fault(AT_TAGS, faults.pages_without_end())
    links, names = [], []
    for _ in range(4):
        async with client.get(path) as answer:
            links.append(answer.headers["Link"].partition(">")[0][1:])
            names += (await answer.json())["tags"]
    assert [path, "http://other.test/y", f"{path}?last=page1", f"{path}?last=page2"] == links
    assert ["v1", "v1", "v1", "v2"] == names


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd"])
async def test_a_bomb_is_small_on_the_wire_and_large_inside(
    registry: FaultRegistry, client: ClientSession, encoding: str
) -> None:
    registry.fault(AT_INDEX, faults.bomb(encoding, 1 << 22))
    async with client.get(PATH) as answer:
        body = await answer.read()
        assert encoding == answer.headers["Content-Encoding"]
    assert len(body) < 1 << 14
    assert len(gzip.decompress(body)) == 1 << 22


async def test_a_nested_bomb_is_packed_twice(
    registry: FaultRegistry, client: ClientSession
) -> None:
    registry.fault(AT_INDEX, faults.bomb("gzip", 1 << 22, layers=2))
    async with client.get(PATH) as answer:
        body = await answer.read()
        assert "gzip, gzip" == answer.headers["Content-Encoding"]
    assert len(gzip.decompress(gzip.decompress(body))) == 1 << 22


@pytest.mark.parametrize("how", ["length", "chunked"])
async def test_a_cut_body_is_an_error_where_http_can_tell(
    registry: FaultRegistry, client: ClientSession, how: str
) -> None:
    registry.fault(AT_INDEX, wire_faults.cut(how))
    with pytest.raises(ClientPayloadError):
        await read(client)


async def test_a_body_cut_at_the_end_of_file_looks_whole(
    registry: FaultRegistry, client: ClientSession
) -> None:
    registry.fault(AT_INDEX, wire_faults.cut("eof"))
    assert LIST.raw[: len(LIST.raw) // 2] == await read(client)


async def test_a_drip_is_complete_but_slow(registry: FaultRegistry, client: ClientSession) -> None:
    digest = registry.demo.put_blob("app", b"0123456789")
    registry.fault(AT_BLOB, wire_faults.drip(0.01))
    began = time.monotonic()
    assert b"0123456789" == await read(client, f"/v2/app/blobs/{digest}")
    assert time.monotonic() - began >= 0.1


async def test_headers_and_bodies_go_on_for_ever(registry: FaultRegistry) -> None:
    registry.fault(AT_INDEX, wire_faults.endless_headers(), times=1)
    registry.fault(AT_INDEX, wire_faults.endless_body(), times=1)
    assert (await head_of(registry, PATH, 300_000)).count(b"X-Fill-") > 2000
    assert len(await head_of(registry, PATH, 10_000_000)) == 10_000_000


async def test_connections_are_reset_closed_or_speak_something_else(
    registry: FaultRegistry, client: ClientSession
) -> None:
    registry.fault(AT_INDEX, wire_faults.hung_up(), times=1)
    with pytest.raises(ServerDisconnectedError):
        await (await client.post(PATH)).read()
    registry.heal()
    registry.fault(AT_INDEX, wire_faults.not_http(), times=1)
    with pytest.raises(ClientResponseError):
        await read(client)
    registry.fault(AT_INDEX, wire_faults.reset())
    with pytest.raises(ConnectionResetError):
        await head_of(registry, PATH, 1)


async def test_silence_lasts_until_the_client_goes(
    registry: FaultRegistry, client: ClientSession
) -> None:
    registry.fault(AT_INDEX, wire_faults.silent())
    with pytest.raises(TimeoutError):
        await client.get(PATH, timeout=ClientTimeout(total=0.1))


async def test_held_and_delayed_answers_come_in_the_end(
    registry: FaultRegistry, client: ClientSession
) -> None:
    release = asyncio.Event()
    registry.fault(AT_INDEX, faults.held(release), times=3)
    waiting = [asyncio.ensure_future(read(client)) for _ in range(3)]
    await registry.arrived(3)
    assert 3 == registry.peak
    assert not any(one.done() for one in waiting)
    release.set()
    assert [LIST.raw] * 3 == await asyncio.gather(*waiting)
    registry.fault(AT_INDEX, faults.delayed(0.05, faults.status(500)))
    async with client.get(PATH) as answer:
        assert 500 == answer.status


async def test_a_stopped_registry_refuses_and_comes_back_on_its_port(
    registry: FaultRegistry, client: ClientSession
) -> None:
    host = registry.host
    await read(client)
    await registry.stop()
    with pytest.raises(ClientConnectionError):
        await read(client)
    await registry.start()
    assert host == registry.host
    assert LIST.raw == await read(client)


async def test_stopping_does_not_wait_for_answers_that_hang(registry: FaultRegistry) -> None:
    registry.fault(AT_INDEX, faults.delayed(3600))
    async with ClientSession(registry.url) as client:
        waiting = asyncio.ensure_future(read(client))
        await registry.arrived(1)
        began = time.monotonic()
        await registry.stop()
        assert time.monotonic() - began < 2
        with pytest.raises(ClientError):
            await waiting


async def test_a_certificate_that_nobody_trusts_is_refused(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*self_signed(tmp_path))
    async with FaultRegistry(ssl_context=context) as registry, ClientSession() as client:
        with pytest.raises(ClientError):
            await client.get(f"{registry.url}/v2/")
        async with client.get(f"{registry.url}/v2/", ssl=False) as answer:
            assert 200 == answer.status
