"""One document without a registry."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from mfl_lint.core.digest import digest_of
from mfl_lint.core.errors import ManifestInvalid
from mfl_lint.core.manifest import MAX_DOCUMENT_BYTES, Form
from mfl_lint.core.observation import Kind, LookState, Node, Observation
from mfl_lint.core.reference import Reference
from mfl_lint.registry.bare import BareSource
from mfl_lint.registry.observe import observe
from tests.builders import LOOKED_AT, image, index

AMD64 = image()
MULTI = index(AMD64, image(arch="arm64"))


async def root_of(source: BareSource, reference: Reference | None = None) -> Node:
    named = reference or source.reference("file:index.json")
    seen = await observe(source, "file", named, now=lambda: LOOKED_AT)
    assert isinstance(seen, Observation)
    assert LookState.VERIFIED is seen.look.state
    assert seen.root is not None
    await source.close()
    return seen.root


async def test_a_bare_index_is_seen_and_its_children_are_not_looked_at() -> None:
    root = await root_of(BareSource(MULTI.raw))
    assert (Kind.INDEX, MULTI.digest) == (root.kind, root.entry.digest)
    assert [None, None] == [child.look for child in root.children]
    assert ["amd64", "arm64"] == [
        x.entry.platform.architecture for x in root.children if x.entry.platform
    ]


async def test_a_bare_manifest_is_seen_without_its_config() -> None:
    root = await root_of(BareSource(AMD64.raw))
    assert (Kind.IMAGE, None, None) == (root.kind, root.config_look, root.config)


async def test_any_bytes_are_a_document_for_the_rules_to_judge() -> None:
    root = await root_of(BareSource(b"\xffnot json"))
    assert root.document is not None
    assert Form.UNREADABLE is root.document.form


async def test_a_bare_document_may_be_asked_for_by_its_own_digest_of_any_algorithm() -> None:
    for digest in (MULTI.digest, digest_of(MULTI.raw, "sha512")):
        root = await root_of(BareSource(MULTI.raw), Reference("file:x", "", None, digest))
        assert MULTI.raw == (root.document and root.document.raw)


async def test_a_file_and_a_stream_hold_the_same_document(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_bytes(MULTI.raw)
    from_file = await root_of(BareSource.from_file(tmp_path / "index.json"))
    assert from_file == await root_of(BareSource.from_stream(io.BytesIO(MULTI.raw)))


async def test_there_are_no_names_to_list() -> None:
    source = BareSource(MULTI.raw)
    assert ((), ()) == ((await source.tags("")).names, (await source.repositories()).names)


def test_what_cannot_be_read_is_refused_in_one_line_and_blocks_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with (tmp_path / "large").open("wb") as large:
        large.truncate(MAX_DOCUMENT_BYTES + 1)
    for name, reason in [
        ("fifo", "not a regular file"),
        ("large", "more than"),
        (".", "not a regular file"),
        ("missing", "No such file"),
    ]:
        with pytest.raises(ManifestInvalid, match=reason) as caught:
            BareSource.from_file(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_a_stream_without_end_is_read_to_the_bound() -> None:
    with Path("/dev/zero").open("rb") as endless, pytest.raises(ManifestInvalid, match="more than"):
        BareSource.from_stream(endless)
