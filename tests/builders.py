"""Make things in one line: images, indexes, attestations, and the trees that rules judge.

The documents come from the demo's builders; here they become nodes and observations as if a
registry had been looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.kind import decide_kind
from mfl_lint.core.manifest import Descriptor, Document, ImageConfig
from mfl_lint.core.observation import VERIFIED, Kind, Look, LookState, Node, Observation
from mfl_lint.core.parse import parse_config, parse_document
from mfl_lint.core.reference import Reference
from mfl_lint.demo.build import (
    DOCKER,
    OCI,
    Built,
    BuiltImage,
    Flavour,
    Layer,
    artifact,
    attestation,
    describe,
    encode,
    image,
    index,
    layer,
    platform_fields,
)
from mfl_lint.demo.images import place

__all__ = [
    "DOCKER",
    "LOOKED_AT",
    "OCI",
    "Built",
    "BuiltImage",
    "Flavour",
    "Layer",
    "artifact",
    "attestation",
    "describe",
    "document",
    "encode",
    "image",
    "index",
    "layer",
    "node",
    "observation",
    "place",
    "platform_fields",
    "write_layout",
]

LOOKED_AT: Final = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ABSENT: Final = Look(LookState.ABSENT, "manifest unknown")


def document(raw: bytes | str, media_type: str) -> Built:
    """Return any bytes as a built document: for what no builder would make."""
    return Built(raw=raw.encode() if isinstance(raw, str) else raw, media_type=media_type)


def node(
    built: Built,
    *,
    position: int | None = None,
    entry: Descriptor | None = None,
    looks: Mapping[Digest, Look] | None = None,
) -> Node:
    """Return the tree of a built document as a complete look would give it.

    `looks` says, by digest, how the look at a document or config ended where it did not end
    well. A child that was not built is absent; blob entries are not looked at.
    """
    endings = looks or {}
    parsed = parse_document(built.raw, built.media_type, built.digest)
    leads = entry or Descriptor(
        media_type=built.media_type, digest=built.digest, size_bytes=len(built.raw)
    )
    look = endings.get(built.digest, VERIFIED)
    if look.state is not LookState.VERIFIED:
        return Node(position, leads, decide_kind(leads, None), look)
    kind = decide_kind(leads, parsed)
    config_look, config = _config(built, parsed, kind, endings)
    children = tuple(
        _child(built, place, below, endings) for place, below in enumerate(parsed.entries)
    )
    return Node(position, leads, kind, look, parsed, config_look, config, children)


def _child(parent: Built, position: int, entry: Descriptor, looks: Mapping[Digest, Look]) -> Node:
    for child in parent.children:
        if child.digest == entry.digest:
            return node(child, position=position, entry=entry, looks=looks)
    kind = decide_kind(entry, None)
    if kind is Kind.BLOB or entry.digest is None:
        return Node(position, entry, kind)
    return Node(position, entry, kind, looks.get(entry.digest, ABSENT))


def _config(
    built: Built, parsed: Document, kind: Kind, looks: Mapping[Digest, Look]
) -> tuple[Look | None, ImageConfig | None]:
    """Return the look at an image's config and what it says."""
    if kind is not Kind.IMAGE or parsed.config is None or parsed.config.digest is None:
        return None, None
    digest = parsed.config.digest
    found = {digest_of(blob): blob for blob in built.blobs}
    look = looks.get(digest, VERIFIED if digest in found else ABSENT)
    if look.state is not LookState.VERIFIED:
        return look, None
    return look, parse_config(found[digest], digest)


def observation(
    built: Built | None,
    *,
    registry: str = "test",
    repository: str = "team/app",
    tag: str = "latest",
    look: Look = VERIFIED,
    looked_at: datetime = LOOKED_AT,
    looks: Mapping[Digest, Look] | None = None,
) -> Observation:
    """Return a look at a tag: at what was built, or with None one that ended as `look` says."""
    reference = Reference(registry, repository, tag)
    root = None if built is None else node(built, looks=looks)
    return Observation(registry, reference, looked_at, look, root)


def write_layout(folder: Path, tags: Mapping[str, Built]) -> Path:
    """Write an OCI layout with the tags and return its folder."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)

    def write(built: Built) -> None:
        for data in (built.raw, *built.blobs):
            (blobs / digest_of(data).partition(":")[2]).write_bytes(data)
        for child in built.children:
            write(child)

    named = []
    for tag, built in tags.items():
        write(built)
        names = {"org.opencontainers.image.ref.name": tag}
        named.append(describe(built.media_type, built.raw) | {"annotations": names})
    (folder / "oci-layout").write_bytes(encode({"imageLayoutVersion": "1.0.0"}))
    (folder / "index.json").write_bytes(encode({"schemaVersion": 2, "manifests": named}))
    return folder
