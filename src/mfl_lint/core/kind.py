"""What an entry or a document is: decided once, before any rule judges it.

Source: OCI image-spec 1.1 manifest.md "Guidelines for Artifact Usage", descriptor.md,
media-types.md; BuildKit attestation storage; distribution-spec 1.1 "Referrers Tag Schema".
"""

from __future__ import annotations

import re
from typing import Final

from mfl_lint.core.manifest import (
    CONFIG_TYPES,
    DOCKER_MANIFEST,
    INDEX_TYPES,
    MANIFEST_TYPES,
    SCHEMA1_TYPES,
    Descriptor,
    Document,
    Form,
)
from mfl_lint.core.observation import Kind, Node
from mfl_lint.core.parse import OCI_ARTIFACT, clean_media_type

ATTESTATION_PREFIX: Final = "vnd.docker.reference."
IN_TOTO: Final = "application/vnd.in-toto+json"

_FILESYSTEM: Final = re.compile(
    r"application/vnd\.(?:"
    r"oci\.image\.layer\.(?:nondistributable\.)?v1\.tar(?:\+gzip|\+zstd)?"
    r"|docker\.image\.rootfs\.(?:foreign\.)?diff\.tar(?:[.+](?:gzip|zstd))?"
    r")(?:\+encrypted)?"
)
_FOREIGN: Final = re.compile(
    r"application/vnd\.(?:oci\.image\.layer\.nondistributable|docker\.image\.rootfs\.foreign)\..*"
)
_ATTACHMENT: Final = re.compile(r"sha(?:256|512)-[0-9a-f]{64}(?:[0-9a-f]{64})?(?:[._-][\w.-]*)?")


def is_filesystem_layer(media_type: str) -> bool:
    """Say whether a layer of this media type is unpacked as part of a root filesystem."""
    return _FILESYSTEM.fullmatch(clean_media_type(media_type)) is not None


def is_foreign_layer(layer: Descriptor) -> bool:
    """Say whether a registry need not have the layer: it is fetched from elsewhere."""
    return bool(layer.urls) or _FOREIGN.fullmatch(clean_media_type(layer.media_type)) is not None


def is_attestation_entry(entry: Descriptor) -> bool:
    """Say whether the entry itself says that it is BuildKit's attestation of another one."""
    marks = entry.annotations
    return bool(marks) and any(key.startswith(ATTESTATION_PREFIX) for key in marks)


def is_attachment_tag(tag: str) -> bool:
    """Say whether the tag is a digest's: `sha256-<hex>`, with or without `.sig` and the like."""
    return _ATTACHMENT.fullmatch(tag) is not None


def decide_kind(entry: Descriptor, document: Document | None) -> Kind:
    """Return what `entry` points at; `document` is None where it was not seen.

    An artifactType that names an image's config type is no artifact's: the referrers API gives
    every image's descriptor such a one.
    """
    if is_attestation_entry(entry):
        return Kind.ATTESTATION
    if document is None:
        return _kind_of_entry(entry)
    if document.form is Form.INDEX:
        return Kind.INDEX
    if document.form is Form.SCHEMA1:
        return Kind.IMAGE
    if document.form is Form.MANIFEST:
        return _kind_of_manifest(entry, document)
    return Kind.UNDECIDED


def presumed_kind(entry: Descriptor) -> Kind:
    """Return what an entry points at by its own words, for a list whose children are not at hand.

    Platforms are for images, and docker's lists hold nothing else; what is something else says so
    by its artifactType. `unknown/unknown` is an attestation's: `docker manifest inspect` shows
    them without their annotations. An OCI manifest without a platform may be anything.
    """
    kind, platform = decide_kind(entry, None), entry.platform
    if kind is not Kind.UNDECIDED:
        return kind
    if platform is not None and platform.is_unknown:
        return Kind.ATTESTATION
    is_docker = clean_media_type(entry.media_type) == DOCKER_MANIFEST
    return Kind.IMAGE if platform is not None or is_docker else Kind.UNDECIDED


def _kind_of_entry(entry: Descriptor) -> Kind:
    media_type = clean_media_type(entry.media_type)
    if media_type in INDEX_TYPES:
        return Kind.INDEX
    if media_type in SCHEMA1_TYPES:
        return Kind.IMAGE
    if media_type == OCI_ARTIFACT:
        return Kind.ARTIFACT
    if media_type and media_type not in MANIFEST_TYPES:
        return Kind.BLOB
    return Kind.ARTIFACT if _names_artifact(entry.artifact_type) else Kind.UNDECIDED


def _kind_of_manifest(entry: Descriptor, document: Document) -> Kind:
    layers = document.layers
    if layers and all(clean_media_type(layer.media_type) == IN_TOTO for layer in layers):
        return Kind.ATTESTATION
    if _names_artifact(entry.artifact_type) or _names_artifact(document.artifact_type):
        return Kind.ARTIFACT
    if clean_media_type(document.media_type) == OCI_ARTIFACT:
        return Kind.ARTIFACT
    if document.config is None or not document.config.media_type:
        return Kind.UNDECIDED
    if clean_media_type(document.config.media_type) not in CONFIG_TYPES:
        return Kind.ARTIFACT
    is_image = not layers or any(is_filesystem_layer(layer.media_type) for layer in layers)
    return Kind.IMAGE if is_image else Kind.ARTIFACT


def _names_artifact(artifact_type: str) -> bool:
    return bool(artifact_type) and clean_media_type(artifact_type) not in CONFIG_TYPES


def judges_images(root: Node) -> bool | None:
    """Say whether the tree is an image's, so that rules for images judge it; None = undecided.

    An index that is empty or holds attestations only was meant to hold images, unless it has an
    artifactType. A nested index that was not seen leaves the tree undecided.
    """
    nodes = list(root.walk())
    kinds = {node.kind for node in nodes}
    if Kind.IMAGE in kinds:
        return True
    if Kind.UNDECIDED in kinds or any(n.kind is Kind.INDEX and n.document is None for n in nodes):
        return None
    if kinds & {Kind.ARTIFACT, Kind.BLOB} or root.kind is not Kind.INDEX:
        return False
    return not (root.document and _names_artifact(root.document.artifact_type))
