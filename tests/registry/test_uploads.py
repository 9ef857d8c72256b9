"""Blobs arrive whole or not at all, cuts are mended, and nothing is sent to strangers."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import pytest
from aiohttp import web

from mfl_lint.config import CredentialsConfig, HttpConfig, RegistryConfig
from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.errors import Denied, DigestMismatch, Rejected, Unreachable
from mfl_lint.core.manifest import Descriptor
from mfl_lint.registry.client import RegistryClient
from mfl_lint.registry.credentials import Keychain
from mfl_lint.registry.push import Writer
from mfl_lint.registry.transport import Transport
from mfl_lint.registry.uploads import CHUNK_BYTES, UploadFailed, UploadLost
from tests import faults, wire_faults
from tests.ears import listening
from tests.fault_registry import Behaviour, Exchange, FaultRegistry
from tests.stub_server import serving
from tests.token_server import TokenServer

QUICK: Final = HttpConfig(
    timeout_s=5, retries=2, backoff_s=0.001, backoff_max_s=0.01, breaker_failures=1000
)
LARGE: Final = hashlib.sha512(b"large").digest() * (3 * CHUNK_BYTES // 64 + 1000)
SMALL: Final = b"small"
PATCH: Final = ("PATCH", "/uploads/")
STATUS: Final = ("GET", "/uploads/")
GET_BLOB: Final = ("GET", "/blobs/sha256:")
PUT_BLOB: Final = ("PUT", "/uploads/")


def blob_of(data: bytes) -> Descriptor:
    """Return a descriptor of some bytes."""
    return Descriptor("a/b", digest_of(data), len(data))


@asynccontextmanager
async def copying(
    registry: FaultRegistry, data: bytes = LARGE, **secrets: str
) -> AsyncIterator[Writer]:
    """Yield a writer to the registry, of which `source` holds the data."""
    registry.demo.put_blob("source", data)
    credentials = CredentialsConfig(anonymous=True)
    if secrets:
        credentials = CredentialsConfig(username="ada", password_env="P")
    settings = RegistryConfig("r", registry.host, credentials=credentials)
    async with Transport(QUICK) as transport:
        yield Writer(RegistryClient(settings, transport, keychain=Keychain(secrets)))


async def copied(writer: Writer, data: bytes = LARGE) -> list[int]:
    """Copy from `source` to `target`; return what was said of how far it is."""
    told: list[int] = []
    await writer.copy(blob_of(data), writer.client, "source", "target", sent=told.append)
    return told


async def test_a_small_blob_is_one_post_and_one_put() -> None:
    async with FaultRegistry() as registry, copying(registry, SMALL) as writer:
        await copied(writer, SMALL)
        assert SMALL == registry.demo.blob("target", digest_of(SMALL))
        assert (1, 1, 0) == tuple(registry.count(one) for one in ("POST", "PUT", "PATCH"))


async def test_a_large_blob_goes_in_chunks_and_how_far_it_is_is_told() -> None:
    async with FaultRegistry() as registry, copying(registry) as writer:
        told = await copied(writer)
        assert LARGE == registry.demo.blob("target", digest_of(LARGE))
        assert 2 <= registry.count(*PATCH) <= 4
        assert sorted(told) == told
        assert len(told) >= 2
        assert 0 < told[-1] <= len(LARGE)
        ranges = [one.headers["content-range"] for one in registry.matching(*PATCH)]
        assert ranges[0].startswith("0-")


async def test_the_longest_chunk_that_a_registry_asks_for_is_sent() -> None:
    async with FaultRegistry() as registry, copying(registry) as writer:
        least = {"OCI-Chunk-Min-Length": str(2 * CHUNK_BYTES)}
        registry.fault(("POST", "/uploads/"), faults.changed_headers(least))
        await copied(writer)
        first = int(registry.matching(*PATCH)[0].headers["content-length"])
        assert first >= 2 * CHUNK_BYTES


async def test_a_source_that_is_cut_is_read_on_from_there() -> None:
    async with FaultRegistry() as registry, copying(registry) as writer:
        registry.fault(GET_BLOB, wire_faults.cut(share=0.4), 1)
        await copied(writer)
        assert LARGE == registry.demo.blob("target", digest_of(LARGE))
        first, second = [one.headers.get("range", "") for one in registry.matching(*GET_BLOB)]
        assert "" == first
        assert 0 < int(second.removeprefix("bytes=").removesuffix("-")) <= len(LARGE) * 0.4
        assert 1 == registry.count("POST")


async def test_a_source_that_ignores_the_range_is_read_from_its_beginning_again() -> None:
    async with FaultRegistry() as registry, copying(registry) as writer:
        registry.fault(GET_BLOB, wire_faults.cut(share=0.4), 1)
        registry.fault(GET_BLOB, _whole(LARGE))
        await copied(writer)
        assert LARGE == registry.demo.blob("target", digest_of(LARGE))


async def test_a_source_that_sends_another_part_than_was_asked_for_is_not_believed() -> None:
    async with FaultRegistry() as registry, copying(registry) as writer:
        registry.fault(GET_BLOB, wire_faults.cut(share=0.4), 1)
        headers = {"Content-Range": f"bytes 0-{len(LARGE) - 1}/{len(LARGE)}"}
        registry.fault(GET_BLOB, faults.status(206, LARGE, headers=headers))
        with pytest.raises(Exception, match="another one came"):
            await copied(writer)
        assert None is registry.demo.blob("target", digest_of(LARGE))


async def test_a_source_with_other_bytes_is_never_kept() -> None:
    async with FaultRegistry() as registry, copying(registry) as writer:
        registry.fault(GET_BLOB, faults.flipped(1000))
        with pytest.raises(DigestMismatch):
            await copied(writer)
        assert 0 == registry.count(*PUT_BLOB)
        assert 1 == registry.count("DELETE", "/uploads/")


async def test_a_chunk_that_failed_is_sent_again_from_where_the_registry_is() -> None:
    async with FaultRegistry() as registry, copying(registry) as writer:
        registry.fault(PATCH, faults.status(503), 1, 1)
        registry.fault(PATCH, wire_faults.reset(), 1, 1)
        await copied(writer)
        assert LARGE == registry.demo.blob("target", digest_of(LARGE))
        assert (1, 2) == (registry.count("POST"), registry.count(*STATUS))


async def test_a_chunk_of_which_a_part_arrived_is_completed() -> None:
    async with FaultRegistry() as registry, copying(registry) as writer:

        async def half(exchange: Exchange) -> web.StreamResponse:
            body = await exchange.request.read()
            upload = exchange.request.match_info["upload"]
            registry.demo._uploads[upload] += body[: len(body) // 2]
            return web.Response(status=500)

        registry.fault(PATCH, half, 1, 1)
        await copied(writer)
        assert LARGE == registry.demo.blob("target", digest_of(LARGE))
        assert 1 == registry.count("POST")


async def test_an_upload_that_is_lost_begins_anew() -> None:
    async with FaultRegistry() as registry, copying(registry) as writer:
        registry.fault(PATCH, faults.status(404), 1, 1)
        await copied(writer)
        assert LARGE == registry.demo.blob("target", digest_of(LARGE))
        assert 2 == registry.count("POST")


async def test_an_upload_that_is_lost_again_and_again_is_given_up() -> None:
    async with FaultRegistry() as registry, copying(registry) as writer:
        registry.fault(PATCH, faults.status(416))
        with pytest.raises(UploadLost):
            await copied(writer)
        assert 3 == registry.count("POST")


async def test_a_registry_that_takes_no_more_is_given_up_and_told() -> None:
    async with FaultRegistry() as registry, copying(registry) as writer:
        registry.fault(PATCH, faults.status(500))
        with pytest.raises(UploadFailed, match="500"):
            await copied(writer)
        assert 3 == registry.count(*PATCH)
        assert 1 == registry.count("DELETE", "/uploads/")


async def test_an_end_that_is_not_answered_is_decided_by_a_look() -> None:
    async with FaultRegistry() as registry, copying(registry) as writer:
        registry.fault(PUT_BLOB, wire_faults.reset(), 1)
        await copied(writer)
        assert 1 == registry.count("POST")


async def test_who_may_not_write_is_told_so() -> None:
    async with FaultRegistry() as registry, copying(registry) as writer:
        registry.fault(("POST", "/uploads/"), faults.status(403))
        with pytest.raises(Denied):
            await copied(writer)
        registry.heal()
        registry.fault(("POST", "/uploads/"), faults.status(405))
        with pytest.raises(Rejected):
            await copied(writer)


async def test_an_upload_goes_on_at_another_host_without_credentials() -> None:
    tokens = TokenServer({"ada": "secret"}, anonymous=False)
    got: list[web.Request] = []

    async def elsewhere(request: web.Request) -> web.StreamResponse:
        await request.read()
        got.append(request)
        return web.Response(status=201)

    async with (
        serving(elsewhere) as other,
        FaultRegistry(tokens=tokens) as registry,
        copying(registry, SMALL, P="secret") as writer,
    ):
        there = {"Location": f"http://{other.host}/keep?state=a%2Fb"}
        registry.fault(("POST", "/uploads/"), faults.changed_headers(there))
        await copied(writer, SMALL)
    assert [f"/keep?state=a%2Fb&digest={digest_of(SMALL)}"] == [one.path_qs for one in got]
    assert all("Authorization" not in one.headers for one in got)
    assert all(one.headers.get("authorization") for one in registry.matching("POST")[1:])


@pytest.mark.parametrize(
    ("location", "says"),
    [
        (None, "nowhere"),
        ("ftp://x/y", "nowhere"),
        ("http://user:pass@127.0.0.1/x", "credentials in it"),
        ("http://169.254.169.254/x", "private network"),
    ],
)
async def test_an_upload_goes_on_nowhere_else(location: str | None, says: str) -> None:
    async with FaultRegistry() as registry, copying(registry, SMALL) as writer:
        headers = {"Location": location}
        registry.fault(("POST", "/uploads/"), faults.changed_headers(headers))
        with pytest.raises((Unreachable, UploadLost), match=says):
            await copied(writer, SMALL)


async def test_a_registry_elsewhere_leads_no_upload_to_this_machine() -> None:
    async with listening("127.0.0.2") as ear, FaultRegistry() as registry:
        registry.demo.put_blob("source", SMALL)
        settings = RegistryConfig("r", registry.host, credentials=CredentialsConfig(anonymous=True))
        async with Transport(QUICK) as transport:
            writer = Writer(RegistryClient(settings, transport))
            there = {"Location": f"http://[::ffff:169.254.1.1]:{ear.port}/x"}
            registry.fault(("POST", "/uploads/"), faults.changed_headers(there))
            with pytest.raises((Unreachable, UploadLost)):
                await copied(writer, SMALL)
        assert 0 == ear.calls


async def test_a_mount_asks_for_a_token_of_both_repositories() -> None:
    tokens = TokenServer({"ada": "secret"}, anonymous=False)
    async with (
        FaultRegistry(tokens=tokens) as registry,
        copying(registry, SMALL, P="secret") as writer,
    ):
        assert None is await writer.mount("target", digest_of(SMALL), "source")
        scopes = {"repository:target:pull,push", "repository:source:pull"}
        assert scopes <= set(tokens.requests[-1].scopes)
        assert SMALL == registry.demo.blob("target", digest_of(SMALL))


async def test_a_challenge_that_names_reading_only_does_not_stop_a_push() -> None:
    tokens = TokenServer({"ada": "secret"}, anonymous=False)
    async with (
        FaultRegistry(tokens=tokens) as registry,
        copying(registry, SMALL, P="secret") as writer,
    ):
        challenge = f'Bearer realm="http://{registry.host}/token",scope="repository:target:pull"'
        headers = {"WWW-Authenticate": challenge}
        registry.fault(("POST", "/uploads/"), faults.status(401, headers=headers), 1)
        await copied(writer, SMALL)
        assert SMALL == registry.demo.blob("target", digest_of(SMALL))


def _whole(data: bytes) -> Behaviour:
    digest: Digest = digest_of(data)
    return faults.status(200, data, headers={"Docker-Content-Digest": digest})
