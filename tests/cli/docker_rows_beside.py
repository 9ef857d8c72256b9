"""What `docker manifest push`, `inspect` and `rm` do, row by row, and what ours do instead."""

from __future__ import annotations

import base64
import json
from typing import Final

from aiohttp import web

from mfl_lint.core.digest import digest_of
from mfl_lint.core.manifest import DOCKER_LIST, OCI_INDEX
from tests import faults
from tests.builders import DOCKER, attestation, image, index
from tests.cli.docker_rows import refuses, row
from tests.cli.manifest_world import AMD64, ARM64, LIST, OCI_AMD64, OCI_ARM64, World
from tests.fault_registry import AT_BLOB, AT_CHILD, AT_INDEX, Exchange

ENTRIES: Final = f"@{LIST}"
BUILT: Final = index(AMD64, ARM64, flavour=DOCKER)


@row("push: usage", "upstream: TestManifestPush ", "push: last PUT")
def _(world: World) -> None:
    world.made()
    ran = world.good("push", ENTRIES)
    assert f"{world.digest(LIST)}\n" == ran.out
    assert 2 == len(world.stored(LIST)["manifests"])
    assert world.registry.matching("PUT")[-1].path.endswith("/manifests/v1")


@row("push: -p, --purge")
def _(world: World) -> None:
    world.made()
    world.good("push", ENTRIES)
    assert [LIST] == world.drafts()
    world.registry.fault(("PUT", AT_INDEX[1]), faults.status(403), 1)
    world.registry.demo.delete_manifest("multi", "v1")
    assert 1 == world("push", "--purge", ENTRIES).code
    assert [LIST] == world.drafts()
    world.good("push", "-p", ENTRIES)
    assert [] == world.drafts()


@row("push: for every child whose repository PATH differs from the target path")
def _(world: World) -> None:
    """Each of them once; HEAD first would be one request more."""
    world.made()
    world.registry.requests.clear()
    world.good("push", ENTRIES)
    mounts = [one.path for one in world.registry.matching("POST", "mount=")]
    wanted = [
        f"/v2/multi/blobs/uploads/?mount={digest_of(blob)}&from={name}"
        for name, built in (("app-amd64", AMD64), ("app-arm64", ARM64))
        for blob in dict.fromkeys(built.blobs)
    ]
    assert sorted(wanted) == sorted(mounts)


@row("push: then PUT /v2/<target>/manifests/<child digest> with the exact child bytes")
def _(world: World) -> None:
    world.made()
    world.good("push", ENTRIES)
    for built in (AMD64, ARM64):
        stored = world.registry.demo.manifest("multi", built.digest)
        assert stored is not None
        assert built.raw == stored.raw


@row("push: same_repository")
def _(world: World) -> None:
    world.place("multi:amd64", AMD64)
    world.place("multi:arm64", ARM64)
    world.good("create", ENTRIES, "@multi:amd64", "@multi:arm64")
    world.registry.requests.clear()
    world.good("push", ENTRIES)
    assert 1 == world.registry.count("PUT|POST|PATCH")


@row("push: media_type")
def _(world: World) -> None:
    """Mixed lists are refused until somebody says what they shall be."""
    world.parts()
    world.place("oci-amd64:v1", OCI_AMD64)
    world.place("oci-arm64:v1", OCI_ARM64)
    world.good("create", "@docker:v1", "@app-amd64:v1", "@app-arm64:v1")
    world.good("create", "@oci:v1", "@oci-amd64:v1", "@oci-arm64:v1")
    says = "1 of the 2 images are docker manifests and the others are OCI: say --oci or --docker"
    refuses(world, says, "create", "@mixed:v1", "@oci-amd64:v1", "@app-arm64:v1")
    world.good("create", "--oci", "@mixed:v1", "@oci-amd64:v1", "@app-arm64:v1")
    for name, media_type in (("docker", DOCKER_LIST), ("oci", OCI_INDEX), ("mixed", OCI_INDEX)):
        world.good("push", f"@{name}:v1")
        assert media_type == world.stored(f"{name}:v1")["mediaType"]
    world.good("push", "--docker", "@mixed:v1")
    assert DOCKER_LIST == world.stored("mixed:v1")["mediaType"]


@row("push: json")
def _(world: World) -> None:
    world.made()
    world.good("push", ENTRIES)
    stored = world.registry.demo.manifest("multi", "v1")
    assert stored is not None
    assert stored.raw.startswith(b'{\n   "schemaVersion": 2,\n   "mediaType": ')
    entry = world.stored(LIST)["manifests"][0]
    assert ["mediaType", "size", "digest", "platform"] == list(entry)


@row("push: mount_refused", "push: mount answered 202")
def _(world: World) -> None:
    """The blob is uploaded."""
    world.made()

    async def refuse(exchange: Exchange) -> web.StreamResponse:
        bare = exchange.request.clone(rel_url=exchange.request.rel_url.with_query({}))
        return await world.registry.demo._start_upload(bare)

    refused = world.registry.fault(("POST", "mount="), refuse)
    world.good("push", ENTRIES)
    assert refused.met
    for built in (AMD64, ARM64):
        assert [] == world.registry.demo.missing("multi", built.raw)


@row("push: loopback_quirk")
def _(world: World) -> None:
    """Loopback is tried by https first, by every command alike."""
    world.made()
    world.good("push", ENTRIES)
    assert world.host.startswith("127.0.0.1:")


@row("push: argument count", "upstream: TestManifestPushErrors ['one-arg', 'extra-arg']")
def _(world: World) -> None:
    for given in (("one-arg", "extra-arg"), ()):
        refuses(world, "manifest push' requires 1 argument", "push", *given)


@row("push: no local list")
def _(world: World) -> None:
    refuses(world, f"No such manifest: {world.host}/part:v1", "push", "@part:v1")


@row("push: bad name", 'upstream: TestManifestPushErrors ["th!si\'sa/fa!ke/li$t/-name"]')
def _(world: World) -> None:
    for bad in ("@Bad:v1", "th!si'sa/fa!ke/li$t/-name"):
        refuses(world, "invalid reference format", "push", bad)


@row("push: os or architecture empty")
def _(world: World) -> None:
    world.place("bare:v1", image(config={"os": "", "architecture": ""}, flavour=DOCKER))
    world.made("@bare:v1", "@app-amd64:v1")
    says = f"manifest {world.host}/bare:v1 must have an OS and Architecture to be pushed"
    refuses(world, says, "push", ENTRIES)


@row("push: digest in store malformed", "push: stored raw bytes do not hash to the digest")
def _(world: World) -> None:
    world.made()
    (path,) = (world.state / "drafts").glob("*.json")
    whole = path.read_text()
    raw = json.loads(whole)["members"][0]["raw"]
    other = base64.b64encode(b"{}" + base64.b64decode(raw)).decode()
    for damaged in (whole.replace(AMD64.digest, "sha256:zz"), whole.replace(raw, other), "{"):
        path.write_text(damaged)
        refuses(world, "damaged: delete it", "push", ENTRIES, code=3)
    assert None is world.digest(LIST)


@row("push: registry refuses")
def _(world: World) -> None:
    world.made()
    world.registry.fault(("PUT", AT_CHILD[1]), faults.status(403))
    ran = world("push", ENTRIES)
    assert 1 == ran.code
    assert f"/v2/multi/manifests/{AMD64.digest}: 403" in ran.err
    assert None is world.digest(LIST)


@row("inspect: usage", "inspect: one argument: local list of that name first")
def _(world: World) -> None:
    world.made()
    assert 2 == len(world.shown(ENTRIES)["manifests"])
    assert AMD64.raw == world.good("inspect", "--raw", "@app-amd64:v1").out.encode()
    world.place("list:v1", BUILT)
    assert 2 == len(world.shown("@list:v1")["manifests"])


@row("inspect: a local list hides the remote one of the same name")
def _(world: World) -> None:
    world.place(LIST, BUILT)
    world.made("@app-arm:v1")
    assert ["arm"] == [one["architecture"] for one in world.platforms()]


@row("inspect: -v, --verbose", "inspect: two arguments: local child only")
def _(world: World) -> None:
    world.made()
    shown = world.shown("-v", ENTRIES, "@app-amd64:v1")
    assert ["Ref", "Descriptor", "Raw", "SchemaV2Manifest"] == list(shown)
    assert AMD64.raw == base64.b64decode(shown["Raw"])
    assert json.loads(AMD64.raw) == shown["SchemaV2Manifest"]
    world.place("oci:v1", OCI_AMD64)
    assert "OCIManifest" in world.shown("-v", "@oci:v1")


@row("inspect: a remote list is rebuilt from its children")
def _(world: World) -> None:
    """Its own bytes are shown, and nothing of it is lost."""
    built = index(OCI_AMD64, annotate={0: {"annotations": {"k": "v"}}})
    fields = json.loads(built.raw) | {"artifactType": "a/b", "annotations": {"x": "y"}}
    world.registry.demo.put_manifest("list", json.dumps(fields).encode(), OCI_INDEX, "v1")
    assert fields == world.shown("@list:v1")
    assert 0 == world.registry.count("*", AT_BLOB[1])


@row(
    "inspect: single manifest printed with tabs, list with 3 spaces",
    "upstream: TestInspectCommandLocalManifest / TestInspectcommandRemoteManifest",
)
def _(world: World) -> None:
    world.made()
    for names in ((ENTRIES, "@app-amd64:v1"), ("@app-amd64:v1",)):
        text = world.good("inspect", *names).out
        assert text.startswith('{\n\t"schemaVersion": 2,\n\t"')
        assert json.loads(AMD64.raw) == json.loads(text)
    assert world.good("inspect", ENTRIES).out.startswith('{\n   "schemaVersion": 2,\n')


@row("inspect: verbose list: array of objects, Ref is name:tag@digest")
def _(world: World) -> None:
    world.place("list:v1", index(AMD64, ARM64, annotate={1: {"platform": "linux/arm64/v8"}}))
    shown = world.shown("-v", "@list:v1")
    assert [f"{world.host}/list:v1@{one.digest}" for one in (AMD64, ARM64)] == [
        one["Ref"] for one in shown
    ]
    assert "v8" == shown[1]["Descriptor"]["platform"]["variant"]


@row("inspect: attestation entries are shown as unknown/unknown")
def _(world: World) -> None:
    """With what they attest."""
    world.place("list:v1", index(OCI_AMD64, attestation(OCI_AMD64)))
    second = world.shown("-v", "@list:v1")[1]["Descriptor"]
    assert {"architecture": "unknown", "os": "unknown"} == second["platform"]
    assert OCI_AMD64.digest == second["annotations"]["vnd.docker.reference.digest"]


@row("inspect: nested index as a child is not supported")
def _(world: World) -> None:
    """It is shown."""
    world.place("list:v1", index(index(OCI_AMD64)))
    (shown,) = world.shown("-v", "@list:v1")
    assert 1 == len(shown["OCIIndex"]["manifests"])


@row(
    "inspect: nothing found, or a CHILD of the list is missing", "upstream: TestInspectCommandNotFo"
)
def _(world: World) -> None:
    """A child that is missing is named, and the list is not called missing."""
    says = f"no such manifest: {world.host}/nosuch:v1"
    refuses(world, says, "inspect", "@nosuch:v1", code=3)
    world.place("dang:v1", BUILT)
    world.registry.demo.delete_manifest("dang", ARM64.digest)
    assert 2 == len(world.shown("@dang:v1")["manifests"])
    says = f"dang:v1 is there, but its entry {ARM64.digest} is missing"
    refuses(world, says, "inspect", "-v", "@dang:v1", code=3)


@row("inspect: config blob of a child missing")
def _(world: World) -> None:
    """A list is shown without its children's configs; an image says which blob is missing."""
    world.place("app:v1", AMD64)
    world.registry.demo.delete_blob("app", digest_of(AMD64.config))
    says = f"its config: GET {world.host}/v2/app/blobs/{digest_of(AMD64.config)}: 404 BLOB_UNKNOWN"
    refuses(world, says, "inspect", "-v", "@app:v1", code=3)


@row(
    "inspect: two arguments, child not in local list",
    "upstream: TestInspectCommandLocalManifestNotFound",
    "upstream: store TestStoreSaveAndGet / GetList",
)
def _(world: World) -> None:
    says = f"No such manifest: {world.host}/nosuch:v1"
    refuses(world, says, "inspect", ENTRIES, "@nosuch:v1")
    world.made()
    refuses(world, says, "inspect", ENTRIES, "@nosuch:v1")


@row("inspect: argument count")
def _(world: World) -> None:
    says = "manifest inspect' requires at least 1 and at most 2 arguments"
    for given in ((), ("a", "b", "c")):
        refuses(world, says, "inspect", *given)


@row("inspect: digest given and content differs", "inspect: config digest wrong")
def _(world: World) -> None:
    world.place("app:v1", AMD64)
    world.registry.fault(AT_CHILD, faults.flipped())
    refuses(world, "the bytes are sha256:", "inspect", f"@app@{AMD64.digest}", code=3)
    world.registry.heal()
    world.registry.fault(AT_BLOB, faults.flipped())
    refuses(world, "the bytes are sha256:", "inspect", "-v", "@app:v1", code=3)


@row("rm: usage", "rm: local only", "rm: prints nothing on success")
def _(world: World) -> None:
    world.made()
    world.good("push", ENTRIES)
    world.registry.requests.clear()
    assert (0, "", "") == world("rm", ENTRIES)
    assert 0 == world.registry.count()
    assert [] == world.drafts()
    assert world.digest(LIST)


@row("rm: goes on after an error", "upstream: TestRmManifestNotCreated")
def _(world: World) -> None:
    world.made()
    ran = world("rm", "example.com/first:1", ENTRIES, "example.com/third:3")
    assert 2 == ran.code
    expected = [
        f"mfl-lint: No such manifest: example.com/{name}" for name in ("first:1", "third:3")
    ]
    assert expected == ran.err.splitlines()
    assert [] == world.drafts()


@row("upstream: TestRmSeveralManifests")
def _(world: World) -> None:
    world.made()
    world.good("create", "@other:v1", "@app-amd64:v1", "@app-arm64:v1")
    world.good("rm", ENTRIES, "@other:v1")
    assert [] == world.drafts()


@row("rm: not there")
def _(world: World) -> None:
    ran = world("rm", "@other:v1")
    assert (2, f"mfl-lint: No such manifest: {world.host}/other:v1\n") == (ran.code, ran.err)


@row("rm: no argument")
def _(world: World) -> None:
    refuses(world, "manifest rm' requires at least 1 argument", "rm")


@row("upstream: TestManifestCreateAmend ")
def _(world: World) -> None:
    world.made("@app-amd64:v1", "@app-arm64:v1")
    before = world.shown(ENTRIES)
    world.good("create", "--amend", ENTRIES, "@app-arm64:v1")
    assert before == world.shown(ENTRIES)
