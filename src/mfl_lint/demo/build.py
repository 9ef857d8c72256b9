"""Make real documents: layers, images, indexes, attestations, artifacts; right or wrong ones.

The same arguments give the same bytes on every machine: layers are stored, not compressed.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import tarfile
import zlib
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Final

import msgspec

from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.manifest import (
    DOCKER_CONFIG,
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_MANIFEST,
)

CREATED: Final = "2026-03-01T12:00:00Z"
IN_TOTO: Final = "application/vnd.in-toto+json"
_REFERENCE: Final = "vnd.docker.reference"
_STORED_BLOCK: Final = 0xFFFF


class Flavour(Enum):
    """Whose media types a document uses: index, manifest, config, layer."""

    OCI = (OCI_INDEX, OCI_MANIFEST, OCI_CONFIG, "application/vnd.oci.image.layer.v1.tar+gzip")
    DOCKER = (
        DOCKER_LIST,
        DOCKER_MANIFEST,
        DOCKER_CONFIG,
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
    )


OCI: Final = Flavour.OCI
DOCKER: Final = Flavour.DOCKER


class Layer(msgspec.Struct, frozen=True):
    """A layer's gzipped bytes and the digest of the tar archive within."""

    raw: bytes
    diff_id: Digest


class Built(msgspec.Struct, frozen=True, kw_only=True):
    """A document with all that it needs: its blobs, and below an index its children.

    `entry` is what an index says of it beside media type, digest and size.
    """

    raw: bytes
    media_type: str
    entry: Mapping[str, Any] = {}
    blobs: tuple[bytes, ...] = ()
    children: tuple[Built, ...] = ()

    @property
    def digest(self) -> Digest:
        """Return the document's own digest."""
        return digest_of(self.raw)

    def descriptor(self, **changes: Any) -> dict[str, Any]:
        """Return the entry that an index has for it; a change to None takes a field away.

        A `platform` may be written `linux/arm/v7`.
        """
        if isinstance(changes.get("platform"), str):
            changes["platform"] = platform_fields(changes["platform"])
        named = describe(self.media_type, self.raw)
        return _without_none({**named, **self.entry, **changes})


class BuiltImage(Built, frozen=True, kw_only=True):
    """An image's manifest with its config and layers; both are among `blobs` too."""

    config: bytes
    layers: tuple[bytes, ...] = ()


def _without_none(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def encode(document: Any) -> bytes:
    """Return a document's bytes, fields in the order given."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def describe(media_type: str, raw: bytes) -> dict[str, Any]:
    """Return the descriptor of some bytes."""
    return {"mediaType": media_type, "digest": str(digest_of(raw)), "size": len(raw)}


def platform_fields(text: str) -> dict[str, Any]:
    """Return `os/architecture[/variant]` as a platform object, as it is written."""
    return dict(zip(("os", "architecture", "variant"), text.split("/"), strict=False))


def _gzip_stored(data: bytes) -> bytes:
    """Return a gzip member of stored blocks: every zlib would compress to other bytes."""
    starts = range(0, max(1, len(data)), _STORED_BLOCK)
    body = bytearray(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff")
    for start in starts:
        block = data[start : start + _STORED_BLOCK]
        body += struct.pack("<BHH", start == starts[-1], len(block), len(block) ^ 0xFFFF) + block
    return bytes(body + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF))


def layer(files: Mapping[str, bytes]) -> Layer:
    """Return a layer that holds the files, each executable, owned by root, dated 1970."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), 0o755
            archive.addfile(member, io.BytesIO(data))
        used = archive.offset
    tar = buffer.getvalue()[:used] + bytes(2 * tarfile.BLOCKSIZE)
    return Layer(_gzip_stored(tar), digest_of(tar))


def image(
    os: str = "linux",
    arch: str = "amd64",
    variant: str = "",
    *,
    os_version: str = "",
    flavour: Flavour = OCI,
    created: str = CREATED,
    name: str = "app",
    files: Mapping[str, bytes] | None = None,
    layers: Sequence[Layer] | None = None,
    config: Mapping[str, Any] | None = None,
    manifest: Mapping[str, Any] | None = None,
) -> BuiltImage:
    """Return an image for a platform; its entry says the same platform as its config.

    `config` and `manifest` are fields to put over what would be there, None to take one away.
    Another `name` gives other bytes for the same platform.
    """
    says = _platform(os, arch, variant, os_version)
    hello = f"#!/bin/sh\necho hello from {name} on {os}/{arch}{variant}\n".encode()
    parts = layers if layers is not None else [layer(files or {"app/hello": hello})]
    return _manifest(
        _image_config({**says, "created": created}, parts, config or {}),
        tuple(part.raw for part in parts),
        flavour,
        entry={"platform": says},
        over=manifest or {},
    )


def _platform(os: str, arch: str, variant: str, os_version: str) -> dict[str, Any]:
    """Return a platform object without empty fields."""
    optional = {"variant": variant or None, "os.version": os_version or None}
    return _without_none({"architecture": arch, "os": os, **optional})


def _image_config(
    says: Mapping[str, Any], parts: Sequence[Layer], over: Mapping[str, Any]
) -> bytes:
    """Return an image's config for its layers; `over` are fields put over its own."""
    created = says["created"]
    config = {
        **says,
        "config": {"Entrypoint": ["/app/hello"], "WorkingDir": "/app"},
        "rootfs": {"type": "layers", "diff_ids": [part.diff_id for part in parts]},
        "history": [{"created": created, "created_by": "COPY app /app"} for _ in parts],
    }
    return encode(_without_none({**config, **over}))


def _manifest(
    config: bytes,
    layers: tuple[bytes, ...],
    flavour: Flavour,
    *,
    entry: Mapping[str, Any],
    over: Mapping[str, Any],
    config_type: str = "",
    layer_type: str = "",
    layer_annotations: Mapping[str, str] | None = None,
) -> BuiltImage:
    """Return a manifest over a config and layers; `over` are fields put over its own."""
    _, media_type, own_config, own_layer = flavour.value
    named = [describe(layer_type or own_layer, raw) for raw in layers]
    if layer_annotations:
        named = [{**one, "annotations": layer_annotations} for one in named]
    document = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": describe(config_type or own_config, config),
        "layers": named,
        **over,
    }
    return BuiltImage(
        raw=encode(_without_none(document)),
        media_type=media_type,
        entry=entry,
        blobs=(config, *layers),
        config=config,
        layers=layers,
    )


def index(
    *entries: Built | Mapping[str, Any],
    flavour: Flavour = OCI,
    media_type: str = "",
    annotate: Mapping[int, Mapping[str, Any]] | None = None,
    **fields: Any,
) -> Built:
    """Return an index (a manifest list) of the entries, in their order.

    An entry is something built, or a descriptor as it shall stand there. `annotate` changes
    descriptors by position, None taking a field away; `fields` go into the index itself.
    """
    kind = media_type or flavour.value[0]
    changes = annotate or {}
    manifests = [
        entry.descriptor(**changes.get(position, {})) if isinstance(entry, Built) else dict(entry)
        for position, entry in enumerate(entries)
    ]
    document = {"schemaVersion": 2, "mediaType": kind, "manifests": manifests, **fields}
    children = tuple(entry for entry in entries if isinstance(entry, Built))
    return Built(raw=encode(_without_none(document)), media_type=kind, children=children)


def attestation(of: Built | Digest, *, flavour: Flavour = OCI) -> BuiltImage:
    """Return a provenance attestation of an image, as buildx writes them."""
    digest = of.digest if isinstance(of, Built) else of
    subject = [{"name": "app", "digest": {"sha256": digest.partition(":")[2]}}]
    predicate = "https://slsa.dev/provenance/v0.2"
    statement = encode(
        {
            "_type": "https://in-toto.io/Statement/v0.1",
            "predicateType": predicate,
            "subject": subject,
            "predicate": {"buildType": "https://mobyproject.org/buildkit@v1"},
        }
    )
    nowhere = {"architecture": "unknown", "os": "unknown"}
    diff_ids = [f"sha256:{hashlib.sha256(statement).hexdigest()}"]
    config = {**nowhere, "config": {}, "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    names = {f"{_REFERENCE}.digest": digest, f"{_REFERENCE}.type": "attestation-manifest"}
    return _manifest(
        encode(config),
        (statement,),
        flavour,
        entry={"annotations": names, "platform": nowhere},
        over={},
        layer_type=IN_TOTO,
        layer_annotations={"in-toto.io/predicate-type": predicate},
    )


def artifact(
    config_type: str, layer_type: str, content: bytes, *, config: bytes = b"{}", **fields: Any
) -> BuiltImage:
    """Return an OCI manifest that is no image: a chart, a signature, an SBOM."""
    return _manifest(
        config,
        (content,),
        OCI,
        entry={},
        over=fields,
        config_type=config_type,
        layer_type=layer_type,
    )
