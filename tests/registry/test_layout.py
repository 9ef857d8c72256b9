"""OCI layouts on disk: real ones from elsewhere, damaged ones, hostile ones."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.errors import (
    BodyInvalid,
    Denied,
    DigestMismatch,
    ManifestInvalid,
    NotFound,
    RegistryError,
)
from mfl_lint.core.manifest import Descriptor, Form
from mfl_lint.core.observation import LookState, Node, Observation
from mfl_lint.core.reference import Reference
from mfl_lint.registry.layout import LayoutSource
from mfl_lint.registry.observe import observe
from tests.builders import LOOKED_AT, Built, describe, encode, image, index, node, write_layout

LAYOUTS: Final = Path(__file__).parents[1] / "corpus" / "layouts"
FACTS: Final[list[dict[str, Any]]] = json.loads((LAYOUTS / "layouts.json").read_text())["layouts"]
ARM64 = image(arch="arm64")
MULTI = index(image(), ARM64)
REF_NAME = "org.opencontainers.image.ref.name"


async def look(source: LayoutSource, reference: Reference) -> Observation:
    seen = await observe(source, "oci", reference, now=lambda: LOOKED_AT)
    assert isinstance(seen, Observation)
    return seen


async def look_at_all(source: LayoutSource) -> list[Observation]:
    return [await look(source, reference) for reference in source.references()]


def documents(seen: list[Observation]) -> dict[Digest, Node]:
    """Return all nodes whose documents were read, by digest."""
    nodes = (x for one in seen if one.root for x in one.root.walk())
    return {x.document.digest: x for x in nodes if x.document is not None}


def named_in(nodes: dict[Digest, Node]) -> Iterator[Descriptor]:
    for each in nodes.values():
        assert each.document is not None
        yield from each.document.entries
        yield from each.document.layers
        if each.document.config is not None:
            yield each.document.config


def blobs(folder: Path) -> dict[str, bytes]:
    return {x.name: x.read_bytes() for x in folder.glob("blobs/sha256/*")}


def by_name(facts: dict[str, Any]) -> str:
    return str(facts["layout"])


@pytest.mark.parametrize("facts", FACTS, ids=by_name)
async def test_tags_and_entries_are_as_stated(facts: dict[str, Any]) -> None:
    source = LayoutSource(LAYOUTS / facts["layout"])
    assert facts["tags"] == list((await source.tags("")).names)
    assert facts["index_entries"] == len(source.descriptors())


@pytest.mark.parametrize("facts", FACTS, ids=by_name)
async def test_blobs_and_their_bytes_are_as_stated(facts: dict[str, Any]) -> None:
    source = LayoutSource(LAYOUTS / facts["layout"])
    found = blobs(LAYOUTS / facts["layout"])
    wrong = []
    for name in found:
        try:
            await source.blob("", Digest(f"sha256:{name}"), 1 << 20)
        except DigestMismatch:
            wrong.append(name)
    assert (facts["blobs"], facts["blobs_with_wrong_digest"]) == (len(found), wrong)
    files = (x for x in (LAYOUTS / facts["layout"]).rglob("*") if x.is_file())
    assert facts["bytes"] == sum(x.stat().st_size for x in files)


@pytest.mark.parametrize("facts", FACTS, ids=by_name)
async def test_what_is_reached_and_what_dangles_is_as_stated(facts: dict[str, Any]) -> None:
    folder = LAYOUTS / facts["layout"]
    source = LayoutSource(folder)
    seen = await look_at_all(source)
    nodes = documents(seen)
    indexes = [x for x in nodes.values() if x.document and x.document.form is Form.INDEX]
    assert facts["indexes_reached"] == len(indexes)
    listed = [x.descriptor for x in source.descriptors()]
    every = [*listed, *named_in(nodes)]
    sizes = {f"sha256:{name}": len(raw) for name, raw in blobs(folder).items()}
    stated = {entry["digest"] for entry in facts["dangling"]}
    assert stated == {x.digest for x in every if x.digest not in sizes}
    wrong = [x for x in every if x.digest in sizes and x.size_bytes != sizes[x.digest]]
    assert facts["size_mismatch"] == wrong
    assert facts["unreferenced_blobs"] == sorted(sizes.keys() - {str(x.digest) for x in every})


@pytest.mark.parametrize("facts", FACTS, ids=by_name)
async def test_every_entry_is_seen_or_absent_as_stated(facts: dict[str, Any]) -> None:
    seen = await look_at_all(LayoutSource(LAYOUTS / facts["layout"]))
    gone = {entry["digest"] for entry in facts["dangling"]}
    expected = LookState.ABSENT if gone else LookState.VERIFIED
    assert {expected} == {x.look.state for x in seen}
    assert all(x.complete for x in seen if x.root)


async def test_a_layout_is_seen_as_a_registry_with_the_same_images_would_be(
    tmp_path: Path,
) -> None:
    source = LayoutSource(write_layout(tmp_path, {"v1": MULTI, "arm": ARM64}))
    seen = await look_at_all(source)
    assert [node(MULTI), node(ARM64)] == [x.root for x in seen]
    assert ["v1", "arm"] == [x.reference.tag for x in seen]
    await source.close()


def rewrite(folder: Path, *entries: dict[str, Any], **fields: Any) -> LayoutSource:
    raw = encode({"schemaVersion": 2, "manifests": entries, **fields})
    (folder / "index.json").write_bytes(raw)
    return LayoutSource(folder)


def entry(built: Built, **annotations: str) -> dict[str, Any]:
    return {**describe(built.media_type, built.raw), "annotations": annotations}


@pytest.mark.parametrize(
    ("annotations", "tag"),
    [
        ({REF_NAME: "v1"}, "v1"),
        ({REF_NAME: "registry.example:5000/team/app:v1"}, "v1"),
        ({REF_NAME: "app:v1@sha256:" + "0" * 64}, "v1"),
        ({"io.containerd.image.name": "docker.io/library/app:v1"}, "v1"),
        ({REF_NAME: "v2", "io.containerd.image.name": "docker.io/library/app:v1"}, "v2"),
        ({REF_NAME: "registry.example:5000/app"}, None),
        ({REF_NAME: "../../etc/passwd"}, None),
        ({REF_NAME: ""}, None),
        ({}, None),
    ],
)
def test_the_tag_is_taken_from_whichever_name_an_entry_has(
    tmp_path: Path, annotations: dict[str, str], tag: str | None
) -> None:
    write_layout(tmp_path, {"v1": ARM64})
    source = rewrite(tmp_path, entry(ARM64, **annotations))
    assert [tag] == [x.tag for x in source.descriptors()]
    digest = None if tag else ARM64.digest
    assert (Reference(f"oci:{tmp_path}", "", tag, digest),) == source.references()


async def test_the_first_of_two_entries_with_one_tag_has_it_and_both_are_judged(
    tmp_path: Path,
) -> None:
    write_layout(tmp_path, {"v1": MULTI})
    named = {REF_NAME: "v1"}
    source = rewrite(tmp_path, entry(MULTI, **named), entry(ARM64, **named))
    seen = await look_at_all(source)
    assert [MULTI.digest, ARM64.digest] == [x.digest for x in seen]


async def test_one_tag_can_be_asked_for_alone_and_one_that_is_not_there_is_absent(
    tmp_path: Path,
) -> None:
    source = LayoutSource(write_layout(tmp_path, {"v1": MULTI, "v2": ARM64}))
    (reference,) = source.references("v2")
    assert ARM64.digest == (await look(source, reference)).digest
    (reference,) = source.references("v3")
    assert LookState.ABSENT is (await look(source, reference)).look.state


@pytest.mark.parametrize("digest", ["sha256:../../../etc/passwd", "sha256:" + "A" * 64, 3, None])
async def test_an_entry_without_a_usable_digest_is_invalid_never_a_path(
    tmp_path: Path, digest: object
) -> None:
    write_layout(tmp_path, {"v1": ARM64})
    broken = {**entry(ARM64, **{REF_NAME: "v1"}), "digest": digest}
    source = rewrite(tmp_path, broken)
    (reference,) = source.references()
    assert LookState.INVALID is (await look(source, reference)).look.state
    source = rewrite(tmp_path, {**broken, "annotations": {}})
    with pytest.raises(ManifestInvalid, match=r"manifests\[0\] has neither"):
        source.references()


async def test_wrong_bytes_are_a_mismatch_that_says_what_they_are(tmp_path: Path) -> None:
    source = LayoutSource(write_layout(tmp_path, {"v1": MULTI}))
    blob_of(tmp_path, ARM64).write_bytes(b"{}")
    child = root_of(await look(source, source.references()[0])).children[1]
    assert child.look is not None
    assert (LookState.INVALID, digest_of(b"{}")) == (child.look.state, child.look.mismatch)


async def test_a_missing_child_is_absent(tmp_path: Path) -> None:
    source = LayoutSource(write_layout(tmp_path, {"v1": MULTI}))
    blob_of(tmp_path, ARM64).unlink()
    child = root_of(await look(source, source.references()[0])).children[1]
    assert child.look is not None
    assert LookState.ABSENT is child.look.state


def root_of(seen: Observation) -> Node:
    assert seen.root is not None
    return seen.root


def blob_of(folder: Path, built: Built) -> Path:
    return folder / "blobs" / built.digest.replace(":", "/")


async def refused(source: LayoutSource, kind: type[RegistryError]) -> None:
    with pytest.raises(kind) as caught:
        await source.document("", ARM64.digest)
    assert "\n" not in str(caught.value)


async def test_a_blob_that_is_a_link_is_refused_even_to_the_right_bytes(tmp_path: Path) -> None:
    source = LayoutSource(write_layout(tmp_path / "layout", {"v1": ARM64}))
    blob = blob_of(tmp_path / "layout", ARM64)
    blob.rename(tmp_path / "elsewhere")
    blob.symlink_to(tmp_path / "elsewhere")
    await refused(source, BodyInvalid)


@pytest.mark.parametrize("linked", ["blobs", "blobs/sha256"])
async def test_a_folder_that_is_a_link_is_refused(tmp_path: Path, linked: str) -> None:
    source = LayoutSource(write_layout(tmp_path / "layout", {"v1": ARM64}))
    (tmp_path / "layout" / linked).rename(tmp_path / "elsewhere")
    (tmp_path / "layout" / linked).symlink_to(tmp_path / "elsewhere")
    await refused(source, BodyInvalid)


async def test_a_folder_that_the_user_named_may_be_a_link(tmp_path: Path) -> None:
    write_layout(tmp_path / "layout", {"v1": ARM64})
    (tmp_path / "link").symlink_to(tmp_path / "layout")
    source = LayoutSource(tmp_path / "link")
    assert ARM64.digest == (await look(source, source.references()[0])).digest


@pytest.mark.parametrize("name", ["index.json", "oci-layout"])
def test_a_control_file_that_is_a_link_is_refused(tmp_path: Path, name: str) -> None:
    write_layout(tmp_path, {"v1": ARM64})
    (tmp_path / name).rename(tmp_path / "elsewhere")
    (tmp_path / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ManifestInvalid, match="is a link"):
        LayoutSource(tmp_path)


async def test_a_fifo_blocks_nobody(tmp_path: Path) -> None:
    source = LayoutSource(write_layout(tmp_path, {"v1": ARM64}))
    blob_of(tmp_path, ARM64).unlink()
    os.mkfifo(blob_of(tmp_path, ARM64))
    await refused(source, BodyInvalid)
    (tmp_path / "index.json").unlink()
    os.mkfifo(tmp_path / "index.json")
    with pytest.raises(ManifestInvalid, match="not a regular file"):
        LayoutSource(tmp_path)


async def test_a_folder_in_a_files_place_is_refused_and_a_file_in_a_folders_place(
    tmp_path: Path,
) -> None:
    source = LayoutSource(write_layout(tmp_path, {"v1": ARM64}))
    blob_of(tmp_path, ARM64).unlink()
    blob_of(tmp_path, ARM64).mkdir()
    await refused(source, BodyInvalid)
    (tmp_path / "blobs").rename(tmp_path / "elsewhere")
    (tmp_path / "blobs").touch()
    await refused(source, BodyInvalid)


async def test_a_file_larger_than_a_document_is_not_read(tmp_path: Path) -> None:
    source = LayoutSource(write_layout(tmp_path, {"v1": ARM64}))
    with blob_of(tmp_path, ARM64).open("wb") as file:
        file.truncate(1 << 40)
    await refused(source, BodyInvalid)
    with pytest.raises(BodyInvalid, match="more than 10 bytes"):
        await source.blob("", ARM64.digest, 10)


@contextmanager
def nobody(folder: Path) -> Iterator[None]:
    """Be somebody who is not root while the context lasts: root may read everything."""
    if os.geteuid() != 0:
        yield
        return
    for path in (folder, *folder.parents):
        if path.stat().st_uid == 0 and path.is_relative_to(tempfile.gettempdir()):
            path.chmod(path.stat().st_mode | 0o055)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


async def test_a_file_that_may_not_be_read_is_denied(tmp_path: Path) -> None:
    source = LayoutSource(write_layout(tmp_path, {"v1": ARM64}))
    blob_of(tmp_path, ARM64).chmod(0)
    with nobody(tmp_path):
        await refused(source, Denied)


async def test_a_layout_that_disappears_is_unreachable_not_gone(tmp_path: Path) -> None:
    source = LayoutSource(write_layout(tmp_path / "layout", {"v1": ARM64}))
    (tmp_path / "layout").rename(tmp_path / "elsewhere")
    seen = await look(source, source.references()[0])
    assert LookState.UNREACHABLE is seen.look.state
    with pytest.raises(ManifestInvalid, match="not a usable OCI layout"):
        LayoutSource(tmp_path / "layout")


@pytest.mark.parametrize(
    ("name", "raw", "reason"),
    [
        ("oci-layout", None, "oci-layout is not there"),
        ("index.json", None, "index.json is not there"),
        ("oci-layout", b'{"imageLayoutVersion": "9"}', "imageLayoutVersion"),
        ("oci-layout", b"", "oci-layout: "),
        ("index.json", b"", "index.json cannot be used"),
        ("index.json", b"[]", "index.json cannot be used"),
        ("index.json", b"\xff\0" * 99, "index.json cannot be used"),
        ("index.json", b'{"schemaVersion": 2}', "manifests is missing"),
        ("index.json", ARM64.raw, "it is a manifest"),
        ("index.json", encode({"manifests": [{}] * 1001}), "1001 entries"),
    ],
)
def test_what_is_no_layout_is_refused_with_the_reason(
    tmp_path: Path, name: str, raw: bytes | None, reason: str
) -> None:
    write_layout(tmp_path, {"v1": ARM64})
    (tmp_path / name).unlink()
    if raw is not None:
        (tmp_path / name).write_bytes(raw)
    with pytest.raises(ManifestInvalid, match=reason) as caught:
        LayoutSource(tmp_path)
    assert "\n" not in str(caught.value)


async def test_a_digest_that_no_entry_names_can_be_asked_for(tmp_path: Path) -> None:
    source = LayoutSource(write_layout(tmp_path, {"v1": MULTI}))
    found = await source.document("", ARM64.digest, ARM64.media_type)
    assert (ARM64.raw, ARM64.media_type) == (found.raw, found.served_type)
    with pytest.raises(NotFound):
        await source.head("", digest_of(b"nothing"))


async def test_other_bytes_behind_a_tag_are_a_mismatch_of_the_digest_it_names(
    tmp_path: Path,
) -> None:
    write_layout(tmp_path, {"v1": image("linux", "amd64")})
    digest = image("linux", "amd64").digest
    (tmp_path / "blobs" / "sha256" / digest.removeprefix("sha256:")).write_bytes(b"{}")
    with pytest.raises(DigestMismatch) as caught:
        await LayoutSource(tmp_path).document("", "v1")
    assert digest == caught.value.claimed
