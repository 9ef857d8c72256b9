"""What hangs on a digest is named, whatever the registry can tell of it."""

from __future__ import annotations

from typing import Any, Final

import pytest
from aiohttp import web

from mfl_lint.config import RegistryConfig
from mfl_lint.core.digest import Digest
from mfl_lint.core.manifest import OCI_INDEX
from mfl_lint.core.reference import Reference
from mfl_lint.mend.attached import attached
from mfl_lint.registry.client import RegistryClient
from tests.stub_server import serving, transport

OLD: Final = Digest(f"sha256:{'1' * 64}")
SBOM: Final = {
    "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "digest": f"sha256:{'2' * 64}",
    "size": 1,
    "artifactType": "application/spdx+json",
}
TAGS: Final = ["v1", f"sha256-{'1' * 64}.sig", f"sha256-{'3' * 64}.sig"]


async def lines(referrers: web.Response | list[dict[str, Any]], tags: list[str]) -> list[str]:
    """Return what is said of a digest on a registry that answers so."""

    async def answer(request: web.Request) -> web.Response:
        if "/tags/" in request.path:
            return web.json_response({"name": "team/app", "tags": tags})
        if isinstance(referrers, web.Response):
            return referrers
        body = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": referrers}
        return web.json_response(body, content_type=OCI_INDEX)

    async with serving(answer) as stub, transport() as http:
        client = RegistryClient(RegistryConfig(name="stub", host=stub.host), http)
        return list(await attached(client, Reference(stub.host, "team/app"), OLD))


async def test_referrers_and_signatures_of_that_digest_are_named() -> None:
    said = await lines([SBOM], TAGS)
    assert 2 == len(said)
    assert f"application/spdx+json {SBOM['digest']} refers to {OLD}" in said[0]
    assert f"team/app:sha256-{'1' * 64}.sig is of {OLD}" in said[1]


async def test_a_registry_without_that_question_says_it_by_tags() -> None:
    (said,) = await lines(web.Response(status=404, text="404 page not found"), TAGS)
    assert said.startswith("the signature ")


async def test_what_could_not_be_asked_is_said_too() -> None:
    (said,) = await lines(web.json_response({}, status=403), ["v1"])
    assert f"what refers to {OLD} could not be looked at" in said


@pytest.mark.parametrize("body", [b"[]", b'{"manifests": 3}', b"\xff"])
async def test_nonsense_is_nothing_that_hangs_there(body: bytes) -> None:
    assert [] == await lines(web.Response(body=body, content_type=OCI_INDEX), ["v1"])


async def test_ten_lines_are_enough() -> None:
    said = await lines([SBOM] * 30, ["v1"])
    assert (11, "and 20 more") == (len(said), said[-1])
