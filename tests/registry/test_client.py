import asyncio
import gzip
import ssl
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from mfl_lint.config import RegistryConfig, Scheme
from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.errors import (
    BodyInvalid,
    Denied,
    DigestMismatch,
    NotFound,
    RateLimited,
    ReferenceInvalid,
    RegistryError,
    Unreachable,
)
from mfl_lint.core.manifest import OCI_INDEX
from mfl_lint.registry.client import RegistryClient
from mfl_lint.registry.credentials import Keychain
from mfl_lint.registry.dockerconfig import DockerConfig
from mfl_lint.registry.source import Head, Listing
from mfl_lint.registry.transport import Transport
from tests.builders import Built, image, index, place
from tests.fault_registry import AT_BLOB, AT_CATALOG, AT_MANIFEST, AT_PING, AT_TAGS, FaultRegistry
from tests.faults import (
    bomb,
    changed_headers,
    digest_header,
    flipped,
    garbage,
    held,
    html,
    page,
    redirected,
    status,
    throttled,
)
from tests.servers import DockerRegistry, push, self_signed
from tests.stub_server import serving, transport
from tests.wire_faults import cut

APP = "team/app"
LIST = index(image(), image(arch="arm64"))
SIX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
    "application/vnd.docker.distribution.manifest.v1+json",
)


def client(host: str, http: Transport, **more: Any) -> RegistryClient:
    return RegistryClient(RegistryConfig("test", host, scheme=Scheme.HTTP, **more), http)


def filled(registry: FaultRegistry, built: Built = LIST) -> FaultRegistry:
    place(registry.demo, APP, built, "v1")
    return registry


async def test_head_says_what_a_tag_is_without_its_bytes(fault_registry: FaultRegistry) -> None:
    async with transport() as http:
        head = await client(filled(fault_registry).host, http).head(APP, "v1")
    assert Head(LIST.digest, OCI_INDEX, len(LIST.raw)) == head
    assert ["HEAD /v2/team/app/manifests/v1"] == [
        f"{one.method} {one.path}" for one in fault_registry.requests
    ]


async def test_every_manifest_request_accepts_all_six_types(fault_registry: FaultRegistry) -> None:
    async with transport() as http:
        asking = client(filled(fault_registry).host, http)
        await asking.head(APP, "v1")
        await asking.document(APP, "v1")
    for one in fault_registry.matching(path="/manifests/"):
        assert set(SIX_TYPES) == {part.strip() for part in one.headers["accept"].split(",")}


@pytest.mark.parametrize("claimed", [None, "sha256:abc", "md5:00", "sha256:" + "A" * 64])
async def test_a_head_without_a_usable_digest_has_none(
    fault_registry: FaultRegistry, claimed: str | None
) -> None:
    filled(fault_registry).fault(AT_MANIFEST, digest_header(claimed))
    async with transport() as http:
        head = await client(fault_registry.host, http).head(APP, "v1")
    assert (None, OCI_INDEX) == (head.digest, head.media_type)


async def test_parameters_of_a_content_type_are_ignored(fault_registry: FaultRegistry) -> None:
    filled(fault_registry).fault(
        AT_MANIFEST, changed_headers({"Content-Type": f"{OCI_INDEX.upper()}; charset=utf-8"})
    )
    async with transport() as http:
        asking = client(fault_registry.host, http)
        assert OCI_INDEX == (await asking.head(APP, "v1")).media_type
        assert OCI_INDEX == (await asking.document(APP, "v1")).served_type


@pytest.mark.parametrize(
    ("fault", "expected"),
    [(status(404), NotFound), (html(404), Unreachable), (status(404, b""), Unreachable)],
)
async def test_a_404_to_head_is_repeated_as_get_to_tell_what_it_is(
    fault_registry: FaultRegistry, fault: Any, expected: type[RegistryError]
) -> None:
    filled(fault_registry).fault(AT_MANIFEST, fault)
    async with transport() as http:
        with pytest.raises(expected) as refused:
            await client(fault_registry.host, http).head(APP, "v1")
    assert expected is type(refused.value)
    assert ["HEAD", "GET"] == [one.method for one in fault_registry.requests]


async def test_a_registry_without_head_is_asked_with_get(fault_registry: FaultRegistry) -> None:
    filled(fault_registry).fault(("HEAD", "/manifests/"), status(405))
    async with transport() as http:
        head = await client(fault_registry.host, http).head(APP, "v1")
    assert Head(LIST.digest, OCI_INDEX, len(LIST.raw)) == head


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (status(401), Denied),
        (status(403), Denied),
        (status(404), NotFound),
        (html(404), Unreachable),
        (html(403), Denied),
        (throttled("120"), RateLimited),
        (throttled("junk"), RateLimited),
        (status(500), Unreachable),
        (html(502), Unreachable),
        (status(204), Unreachable),
        (status(206), Unreachable),
        (status(304), Unreachable),
        (status(416), Unreachable),
        (bomb(size_bytes=1 << 25), BodyInvalid),
        (bomb(size_bytes=1 << 25, layers=2), BodyInvalid),
        (bomb("br"), BodyInvalid),
        (cut("length"), BodyInvalid),
        (cut("chunked"), BodyInvalid),
        (cut("eof"), BodyInvalid),
        (garbage(b" " * (8 * 1024 * 1024 + 1)), BodyInvalid),
    ],
)
@pytest.mark.parametrize("target", ["v1", LIST.digest])
async def test_each_failure_to_look_has_its_type(
    fault_registry: FaultRegistry, fault: Any, expected: type[RegistryError], target: str
) -> None:
    filled(fault_registry).fault(AT_MANIFEST, fault)
    async with transport() as http:
        with pytest.raises(expected) as refused:
            await client(fault_registry.host, http).document(APP, target)
        assert isinstance(refused.value, expected)
        assert "\n" not in str(refused.value)


async def test_a_throttled_look_says_for_how_long(fault_registry: FaultRegistry) -> None:
    filled(fault_registry).fault(AT_MANIFEST, throttled("120"))
    async with transport() as http:
        with pytest.raises(RateLimited) as refused:
            await client(fault_registry.host, http).document(APP, "v1")
    assert 120 == refused.value.retry_after_s


async def test_a_document_is_its_bytes_and_their_hash(fault_registry: FaultRegistry) -> None:
    async with transport() as http:
        asking = client(filled(fault_registry).host, http)
        for target in ("v1", LIST.digest):
            document = await asking.document(APP, target)
            assert (LIST.raw, LIST.digest) == (document.raw, document.digest)
            assert 2 == len(document.entries)


async def test_a_sha512_digest_is_verified_by_its_own_algorithm() -> None:
    wanted = digest_of(LIST.raw, "sha512")

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(body=LIST.raw, headers={"Docker-Content-Digest": wanted})

    async with serving(answer) as stub, transport() as http:
        asking = client(stub.host, http)
        assert wanted == (await asking.document(APP, wanted)).digest
        assert wanted == (await asking.document(APP, "v1")).digest
        with pytest.raises(DigestMismatch):
            await asking.document(APP, "sha512:" + "0" * 128)


@pytest.mark.parametrize("claimed", [None, "sha256:" + "0" * 64, "sha512:" + "0" * 128, "junk"])
@pytest.mark.parametrize("target", ["v1", LIST.digest])
async def test_whatever_the_header_says_the_own_hash_decides(
    fault_registry: FaultRegistry, claimed: str | None, target: str
) -> None:
    filled(fault_registry).fault(AT_MANIFEST, digest_header(claimed))
    async with transport() as http:
        assert LIST.digest == (await client(fault_registry.host, http).document(APP, target)).digest


@pytest.mark.parametrize("position", range(0, len(LIST.raw), 97))
async def test_bytes_that_are_wrong_twice_are_a_mismatch_with_what_they_are(
    fault_registry: FaultRegistry, position: int
) -> None:
    filled(fault_registry).fault(AT_MANIFEST, flipped(position))
    raw = bytearray(LIST.raw)
    raw[position] ^= 1
    async with transport() as http:
        with pytest.raises(DigestMismatch) as refused:
            await client(fault_registry.host, http).document(APP, LIST.digest)
    assert digest_of(bytes(raw)) == refused.value.actual
    assert 2 == len(fault_registry.requests)


async def test_bytes_that_are_wrong_once_are_fetched_again(fault_registry: FaultRegistry) -> None:
    filled(fault_registry).fault(AT_MANIFEST, flipped(), times=1)
    async with transport() as http:
        document = await client(fault_registry.host, http).document(APP, LIST.digest)
    assert LIST.raw == document.raw


async def test_a_whole_body_at_the_end_of_file_is_confirmed_by_its_digest(
    fault_registry: FaultRegistry,
) -> None:
    filled(fault_registry).fault(("GET", "/manifests/v1"), cut("eof", share=1.0))
    async with transport() as http:
        document = await client(fault_registry.host, http).document(APP, "v1")
    assert LIST.digest == document.digest


@pytest.mark.parametrize("share", [0.0, 0.3, 0.999])
async def test_a_cut_body_at_the_end_of_file_is_never_taken(share: float) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/v1"):
            assert request.transport is not None
            part = LIST.raw[: int(len(LIST.raw) * share)]
            request.transport.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + part)
            request.transport.close()
            return web.Response()
        return web.json_response({"errors": [{"code": "MANIFEST_UNKNOWN"}]}, status=404)

    async with serving(answer) as stub, transport() as http:
        with pytest.raises(BodyInvalid, match="cut off"):
            await client(stub.host, http).document(APP, "v1")


async def test_identical_requests_at_once_are_one(fault_registry: FaultRegistry) -> None:
    release = asyncio.Event()
    filled(fault_registry).fault(AT_MANIFEST, held(release))
    async with transport() as http:
        asking = client(fault_registry.host, http)
        tasks = [asyncio.create_task(asking.document(APP, LIST.digest)) for _ in range(20)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        tasks[7].cancel()
        await asyncio.sleep(0)
        release.set()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert 18 == sum(getattr(one, "digest", None) == LIST.digest for one in ended)
    assert fault_registry.count("GET") <= 2


async def test_a_blob_is_verified_and_bounded(fault_registry: FaultRegistry) -> None:
    built = image()
    filled(fault_registry, built)
    config = built.blobs[0]
    async with transport() as http:
        asking = client(fault_registry.host, http)
        assert config == await asking.blob(APP, digest_of(config), 100_000)
        with pytest.raises(BodyInvalid):
            await asking.blob(APP, digest_of(config), len(config) - 1)
        with pytest.raises(NotFound):
            await asking.blob(APP, Digest("sha256:" + "0" * 64), 100)
        fault_registry.fault(AT_BLOB, flipped())
        with pytest.raises(DigestMismatch):
            await asking.blob(APP, digest_of(config), 100_000)


async def test_a_blob_elsewhere_is_fetched_there_without_credentials(
    fault_registry: FaultRegistry,
) -> None:
    async def keep(_: web.Request) -> web.StreamResponse:
        return web.Response(body=b"config")

    async with serving(keep) as cdn, transport() as http:
        fault_registry.fault(AT_BLOB, redirected(f"http://{cdn.host}/x?sig=1"))
        asking = client(fault_registry.host, http)
        assert b"config" == await asking.blob(APP, digest_of(b"config"), 100)
        assert ["GET /x?sig=1"] == cdn.paths


async def test_tags_and_repositories_are_listed_over_all_pages(
    fault_registry: FaultRegistry,
) -> None:
    fault_registry.fault(AT_TAGS, page(["v2"], "/v2/team/app/tags/list?last=v2%2F"), times=1)
    fault_registry.fault(AT_TAGS, page(["v1", "v2"], None))
    for repository in ("b/c", "a"):
        place(fault_registry.demo, repository, image(), "v1")
    async with transport() as http:
        asking = client(fault_registry.host, http)
        assert Listing(("v2", "v1")) == await asking.tags(APP)
        assert Listing(("a", "b/c")) == await asking.repositories()
    assert [
        "/v2/team/app/tags/list?n=1000",
        "/v2/team/app/tags/list?last=v2%2F",
        "/v2/_catalog?n=1000",
    ] == [one.path for one in fault_registry.requests]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [(status(404), NotFound), (html(404), Unreachable), (status(401), Denied)],
)
async def test_the_tags_of_a_repository_that_is_gone_are_not_an_empty_listing(
    fault_registry: FaultRegistry, fault: Any, expected: type[RegistryError]
) -> None:
    fault_registry.fault(AT_TAGS, fault)
    async with transport() as http:
        with pytest.raises(expected):
            await client(fault_registry.host, http).tags(APP)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [(status(404), Unreachable), (html(404), Unreachable), (status(401), Denied)],
)
async def test_a_catalogue_that_is_not_offered_is_not_gone(
    fault_registry: FaultRegistry, fault: Any, expected: type[RegistryError]
) -> None:
    fault_registry.fault(AT_CATALOG, fault)
    async with transport() as http:
        with pytest.raises(expected):
            await client(fault_registry.host, http).repositories()


async def test_a_listing_that_leads_off_the_host_stops_there(fault_registry: FaultRegistry) -> None:
    async def never(_: web.Request) -> web.StreamResponse:
        return web.Response()

    async with serving(never) as other, transport() as http:
        fault_registry.fault(AT_TAGS, page(["v1"], f"http://{other.host}/v2/x"))
        listing = await client(fault_registry.host, http).tags(APP)
        assert (("v1",), False) == (listing.names, listing.complete)
        assert [] == other.requests


async def test_docker_hub_has_no_catalogue_and_is_not_asked_for_one() -> None:
    async with transport() as http:
        registry = RegistryConfig("hub", "docker.io")
        listing = await RegistryClient(registry, http).repositories()
        assert listing.problem == (
            "docker.io has no catalogue: name its repositories, in the configuration or one a line"
            " in a file for `mfl-lint scan -f`"
        )
        assert 0 == http.stats.requests


@pytest.mark.parametrize(
    ("repository", "target"),
    [
        ("../etc", "v1"),
        ("a/../b", "v1"),
        ("a\n", "v1"),
        ("A", "v1"),
        ("", "v1"),
        ("a", "v1\n"),
        ("a", "../v1"),
        ("a", ""),
        ("a", "sha256:abc"),
        ("a", "sha256:" + "A" * 64),
        ("a", "v1?x=y"),
        ("a" * 300, "v1"),
    ],
)
async def test_nothing_is_asked_for_by_a_name_that_is_none(repository: str, target: str) -> None:
    async with transport() as http:
        asking = client("127.0.0.1:1", http)
        for question in (asking.head, asking.document):
            with pytest.raises(ReferenceInvalid):
                await question(repository, target)
        with pytest.raises(ReferenceInvalid):
            await asking.blob(repository, Digest(target), 10)
        assert 0 == http.stats.requests


async def test_plain_http_on_loopback_is_found_out_once(fault_registry: FaultRegistry) -> None:
    async with transport() as http:
        registry = RegistryConfig("test", filled(fault_registry).host)
        asking = RegistryClient(registry, http)
        for _ in range(3):
            assert LIST.digest == (await asking.head(APP, "v1")).digest
    assert 0 == fault_registry.count(*AT_PING)
    assert 3 == fault_registry.count("HEAD")


async def test_tls_on_loopback_needs_no_known_certificate_as_in_docker(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    async with FaultRegistry(ssl_context=context) as served, transport() as http:
        filled(served)
        found = await RegistryClient(RegistryConfig("test", served.host), http).head(APP, "v1")
        assert LIST.digest == found.digest
        https = RegistryConfig("test", served.host, scheme=Scheme.HTTPS)
        with pytest.raises(Unreachable, match="certificate"):
            await RegistryClient(https, http).head(APP, "v1")
        for known in (
            RegistryConfig("t", served.host, scheme=Scheme.HTTPS, ca_file=str(certificate)),
            RegistryConfig("t", served.host, scheme=Scheme.HTTPS, verify_tls=False),
        ):
            assert LIST.digest == (await RegistryClient(known, http).head(APP, "v1")).digest


async def test_a_host_that_docker_calls_insecure_is_spoken_to_by_http() -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(headers={"Docker-Content-Digest": LIST.digest})

    async with serving(answer) as proxy:
        environment = {"HTTP_PROXY": f"http://{proxy.host}", "HTTPS_PROXY": "http://127.0.0.1:1"}
        keychain = Keychain({}, DockerConfig({}, insecure=["old.example"]))
        async with transport(environment=environment) as http:
            registry = RegistryConfig("old", "old.example", rate=0.0)
            asking = RegistryClient(registry, http, keychain=keychain)
            assert LIST.digest == (await asking.head("a", "v1")).digest
        assert ["http://old.example/v2/a/manifests/v1"] == [str(one.url) for one in proxy.requests]


async def test_a_gzip_answer_is_read_though_it_was_not_asked_for() -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=gzip.compress(LIST.raw), headers={"Content-Encoding": "gzip"})

    async with serving(answer) as stub, transport() as http:
        assert LIST.raw == (await client(stub.host, http).document(APP, LIST.digest)).raw


async def test_a_registry_that_is_down_is_unreachable() -> None:
    async with FaultRegistry() as registry:
        host = registry.host
    async with transport() as http:
        for asking in (client(host, http), RegistryClient(RegistryConfig("t", host), http)):
            with pytest.raises(Unreachable):
                await asking.head(APP, "v1")


async def test_the_real_docker_registry_is_read(shared_docker_registry: DockerRegistry) -> None:
    await push(shared_docker_registry.host, "registry-client/app", LIST, "v1", "v2")
    async with transport() as http:
        registry = RegistryConfig("real", shared_docker_registry.host)
        asking = RegistryClient(registry, http)
        expected = Head(LIST.digest, OCI_INDEX, len(LIST.raw), f'"{LIST.digest}"')
        assert expected == await asking.head("registry-client/app", "v1")
        document = await asking.document("registry-client/app", "v2")
        assert LIST.digest == document.digest
        assert Listing(("v1", "v2")) == await asking.tags("registry-client/app")
        assert "registry-client/app" in (await asking.repositories()).names
        with pytest.raises(NotFound, match="MANIFEST_UNKNOWN"):
            await asking.head("registry-client/app", "nosuch")
        with pytest.raises(NotFound, match="NAME_UNKNOWN"):
            await asking.tags("registry-client/none")
