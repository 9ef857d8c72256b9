from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from mfl_lint.core.digest import digest_of
from mfl_lint.core.manifest import DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from mfl_lint.demo.registry import AccessEntry, DemoRegistry, running
from tests.builders import DOCKER, image, index, place, write_layout
from tests.servers import push

EMPTY = digest_of(b"")


@pytest.fixture
def registry() -> DemoRegistry:
    return DemoRegistry()


@pytest.fixture
async def host(registry: DemoRegistry) -> AsyncIterator[str]:
    async with running(registry.app()) as host:
        yield host


@pytest.fixture
async def client(host: str) -> AsyncIterator[ClientSession]:
    async with ClientSession(f"http://{host}", auto_decompress=False) as session:
        yield session


async def error_of(client: ClientSession, method: str, path: str, **how: Any) -> tuple[int, str]:
    async with client.request(method, path, **how) as answer:
        return answer.status, (await answer.json())["errors"][0]["code"]


async def run(*command: str | Path) -> tuple[int, str]:
    """Run a client beside the registry's event loop; return its code and what it said."""
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, timeout=60, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


async def test_a_manifest_comes_back_with_its_bytes_type_and_digest(
    registry: DemoRegistry, client: ClientSession
) -> None:
    raw = b'{ "schemaVersion": 2 }\n'
    headers = {"Content-Type": "application/json; charset=x"}
    async with client.put("/v2/team/app/manifests/v1", data=raw, headers=headers) as put:
        assert (201, str(digest_of(raw))) == (put.status, put.headers["Docker-Content-Digest"])
        where = put.headers["Location"]
    for path in (where, "/v2/team/app/manifests/v1"):
        async with client.get(path) as got:
            assert raw == await got.read()
            assert headers["Content-Type"] == got.headers["Content-Type"]
            assert str(digest_of(raw)) == got.headers["Docker-Content-Digest"]


async def test_head_says_what_get_would_send_without_sending_it(
    registry: DemoRegistry, client: ClientSession
) -> None:
    one = image()
    place(registry, "team/app", one, "v1")
    async with client.head("/v2/team/app/manifests/v1") as head:
        assert b"" == await head.read()
        assert str(len(one.raw)) == head.headers["Content-Length"]
        assert OCI_MANIFEST == head.headers["Content-Type"]
    async with client.head(f"/v2/team/app/blobs/{digest_of(one.config)}") as head:
        assert str(len(one.config)) == head.headers["Content-Length"]


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/v2/no/such/manifests/v1", (404, "MANIFEST_UNKNOWN")),
        ("GET", f"/v2/no/such/manifests/{EMPTY}", (404, "MANIFEST_UNKNOWN")),
        ("GET", f"/v2/no/such/blobs/{EMPTY}", (404, "BLOB_UNKNOWN")),
        ("GET", "/v2/no/such/tags/list", (404, "NAME_UNKNOWN")),
        ("GET", "/v2/_catalog?n=-1", (400, "PAGINATION_NUMBER_INVALID")),
        ("GET", "/v2/_catalog?n=x", (400, "PAGINATION_NUMBER_INVALID")),
        ("DELETE", "/v2/no/such/manifests/v1", (404, "MANIFEST_UNKNOWN")),
        ("DELETE", f"/v2/no/such/blobs/{EMPTY}", (404, "BLOB_UNKNOWN")),
        ("PUT", f"/v2/no/such/manifests/{EMPTY}", (400, "DIGEST_INVALID")),
        ("PUT", "/v2/no/such/manifests/sha256:abc", (400, "DIGEST_INVALID")),
        ("PUT", f"/v2/no/such/blobs/uploads/none?digest={EMPTY}", (404, "BLOB_UPLOAD_UNKNOWN")),
        ("POST", f"/v2/no/such/blobs/uploads/?digest={EMPTY}", (400, "DIGEST_INVALID")),
        ("POST", "/v2/no/such/blobs/uploads/?digest=md5:abc", (400, "DIGEST_INVALID")),
    ],
)
async def test_what_is_not_there_or_not_right_gets_an_error_document(
    client: ClientSession, method: str, path: str, expected: tuple[int, str]
) -> None:
    data = b"not empty" if method in ("PUT", "POST") else None
    headers = {"Content-Type": OCI_MANIFEST}
    assert expected == await error_of(client, method, path, data=data, headers=headers)


async def test_what_is_no_registry_path_is_not_found(client: ClientSession) -> None:
    for path in ("/", "/v1/", "/v2/Upper/manifests/v1", "/v2/app/manifests/-bad"):
        async with client.get(path) as answer:
            assert 404 == answer.status


async def test_a_blob_goes_in_at_once_in_chunks_or_with_the_last_request(
    client: ClientSession,
) -> None:
    data = b"0123456789"
    digest = digest_of(data)
    uploads = {"once": 0, "chunks": 2, "last": 0}
    async with client.post(f"/v2/once/blobs/uploads/?digest={digest}", data=data) as answer:
        assert 201 == answer.status
    for name in ("chunks", "last"):
        async with client.post(f"/v2/{name}/blobs/uploads/") as started:
            where = started.headers["Location"]
        for number in range(uploads[name]):
            span = {"Content-Range": f"{number * 5}-{number * 5 + 4}"}
            piece = data[number * 5 : number * 5 + 5]
            async with client.patch(where, data=piece, headers=span) as patched:
                assert 202 == patched.status
                assert f"0-{number * 5 + 4}" == patched.headers["Range"]
        rest = b"" if uploads[name] else data
        async with client.put(f"{where}?digest={digest}", data=rest) as ended:
            assert 201 == ended.status
    for name in uploads:
        async with client.get(f"/v2/{name}/blobs/{digest}") as got:
            assert data == await got.read()


async def test_an_upload_can_be_asked_about_refuses_disorder_and_can_be_given_up(
    client: ClientSession,
) -> None:
    async with client.post("/v2/app/blobs/uploads/") as started:
        where = started.headers["Location"]
    wrong = {"Content-Range": "7-9"}
    refused = await error_of(client, "PATCH", where, data=b"abc", headers=wrong)
    assert (416, "BLOB_UPLOAD_INVALID") == refused
    for method, expected in (("GET", 204), ("DELETE", 204), ("GET", 404)):
        async with client.request(method, where) as answer:
            assert expected == answer.status


async def test_a_blob_is_mounted_where_the_source_has_it_and_uploaded_where_not(
    registry: DemoRegistry, client: ClientSession
) -> None:
    digest = registry.put_blob("from", b"data")
    async with client.post(f"/v2/to/blobs/uploads/?mount={digest}&from=from") as mounted:
        assert 201 == mounted.status
    async with client.post(f"/v2/to/blobs/uploads/?mount={EMPTY}&from=from") as answer:
        assert 202 == answer.status
    assert b"data" == registry.blob("to", digest)


async def test_a_part_of_a_blob_is_served(registry: DemoRegistry, client: ClientSession) -> None:
    digest = registry.put_blob("app", b"0123456789")
    async with client.get(f"/v2/app/blobs/{digest}", headers={"Range": "bytes=2-4"}) as answer:
        assert (206, b"234") == (answer.status, await answer.read())
        assert "bytes 2-4/10" == answer.headers["Content-Range"]
    for wanted in ("bytes=10-", "bytes=x-y"):
        path, headers = f"/v2/app/blobs/{digest}", {"Range": wanted}
        assert (416, "RANGE_INVALID") == await error_of(client, "GET", path, headers=headers)


@pytest.mark.parametrize("path", ["/v2/app/tags/list", "/v2/_catalog"])
async def test_listings_are_paged_by_links(
    registry: DemoRegistry, client: ClientSession, path: str
) -> None:
    names = [f"v{number}" for number in range(7)]
    for name in names:
        registry.put_manifest("app" if "tags" in path else name, b"{}", OCI_MANIFEST, name)
    seen: list[list[str]] = []
    next_page = f"{path}?n=3"
    while next_page:
        async with client.get(next_page) as answer:
            body = await answer.json()
            seen.append(body.get("tags") or body["repositories"])
            next_page = str(answer.links["next"]["url"]) if answer.links else ""
    assert [names[0:3], names[3:6], names[6:]] == seen


async def test_a_page_size_pages_for_those_who_did_not_ask() -> None:
    registry = DemoRegistry(page_size=2)
    registry.put_manifest("app", b"{}", OCI_MANIFEST, "a", "b", "c")
    async with (
        running(registry.app()) as host,
        ClientSession(f"http://{host}") as client,
        client.get("/v2/app/tags/list") as answer,
    ):
        assert ["a", "b"] == (await answer.json())["tags"]
        assert '</v2/app/tags/list?last=b&n=2>; rel="next"' == answer.headers["Link"]


async def test_a_deleted_child_leaves_the_list_dangling(
    registry: DemoRegistry, client: ClientSession
) -> None:
    child = image("linux", "arm64")
    place(registry, "app", index(image(), child), "v1")
    path = f"/v2/app/manifests/{child.digest}"
    async with client.delete(path) as deleted:
        assert 202 == deleted.status
    assert (404, "MANIFEST_UNKNOWN") == await error_of(client, "GET", path)
    async with client.get("/v2/app/manifests/v1") as listed:
        assert 200 == listed.status


async def test_deleting_a_digest_takes_its_tags_along_and_deleting_a_tag_nothing_else(
    registry: DemoRegistry, client: ClientSession
) -> None:
    digest = registry.put_manifest("app", b"{}", OCI_MANIFEST, "a", "b")
    async with client.delete("/v2/app/manifests/a"):
        assert ["b"] == registry.tags("app")
    assert registry.manifest("app", digest) is not None
    async with client.delete(f"/v2/app/manifests/{digest}"):
        assert [] == registry.tags("app")


async def test_a_complete_registry_refuses_lists_with_missing_children() -> None:
    child = image()
    registry = DemoRegistry(complete=True)
    async with running(registry.app()) as host, ClientSession(f"http://{host}") as client:
        headers, raw = {"Content-Type": OCI_INDEX}, index(child).raw
        path = "/v2/app/manifests/v1"
        refused = await error_of(client, "PUT", path, data=raw, headers=headers)
        assert (400, "MANIFEST_BLOB_UNKNOWN") == refused
        refused = await error_of(client, "PUT", path, data=b"[", headers=headers)
        assert (400, "MANIFEST_INVALID") == refused
        await push(host, "app", index(child), "v1")
        assert ["v1"] == registry.tags("app")


async def test_a_broken_list_is_taken_by_default(host: str, registry: DemoRegistry) -> None:
    await push(host, "app", index(image().descriptor()), "sparse")
    assert ["sparse"] == registry.tags("app")


async def test_every_request_is_in_the_access_log_until_it_is_full() -> None:
    registry = DemoRegistry(log_limit=2)
    async with running(registry.app()) as host, ClientSession(f"http://{host}") as client:
        for path in ("/v2/_catalog?n=5", "/nothing", "/v2/"):
            async with client.get(path) as answer:
                await answer.read()
    expected = [AccessEntry("GET", "/v2/_catalog?n=5", 200), AccessEntry("GET", "/nothing", 404)]
    assert expected == registry.access_log


async def test_referrers_are_an_empty_index(client: ClientSession) -> None:
    async with client.get(f"/v2/app/referrers/{EMPTY}") as answer:
        assert OCI_INDEX == answer.headers["Content-Type"]
        assert [] == (await answer.json(content_type=None))["manifests"]


async def test_skopeo_pushes_and_pulls_a_whole_list(
    host: str, registry: DemoRegistry, skopeo: str, tmp_path: Path
) -> None:
    built = index(image("linux", "amd64"), image("linux", "arm64"))
    layout = write_layout(tmp_path / "layout", {"v1": built})
    there = f"docker://{host}/team/app:v1"
    code, said = await run(
        skopeo, "copy", "--all", "--dest-tls-verify=false", f"oci:{layout}:v1", there
    )
    assert 0 == code, said
    stored = registry.manifest("team/app", "v1")
    assert stored is not None
    assert built.raw == stored.raw
    back = f"oci:{tmp_path / 'back'}:v1"
    code, said = await run(skopeo, "copy", "--all", "--src-tls-verify=false", there, back)
    assert 0 == code, said
    assert (tmp_path / "back" / "blobs" / "sha256" / built.digest.partition(":")[2]).exists()


async def test_docker_reads_and_pushes_a_list(
    host: str, registry: DemoRegistry, docker: str, tmp_path: Path
) -> None:
    place(registry, "app-amd64", image(flavour=DOCKER), "v1")
    place(registry, "app-arm64", image("linux", "arm64", flavour=DOCKER), "v1")
    manifest = [docker, "--config", str(tmp_path), "manifest"]
    parts = [f"{host}/app-amd64:v1", f"{host}/app-arm64:v1"]
    for command in (
        ["create", "--insecure", f"{host}/app:v1", *parts],
        ["push", "--insecure", f"{host}/app:v1"],
        ["inspect", "--insecure", f"{host}/app:v1"],
    ):
        code, said = await run(*manifest, *command)
        assert 0 == code, said
    assert DOCKER_MANIFEST in said
    assert ["v1"] == registry.tags("app")
