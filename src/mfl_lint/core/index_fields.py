"""The keys of an index, an entry and a platform: their order, and putting one into its place.

The order is that in which Go's types have them, and so what registries' tools write:

    the index              schemaVersion, mediaType, artifactType, manifests, subject, annotations
    an OCI index's entry   mediaType, digest, size, urls, annotations, data, platform, artifactType
    a docker list's entry  mediaType, size, digest, urls, annotations, data, platform, artifactType
    a platform             architecture, os, os.version, os.features, variant

Source: image-spec 1.1 specs-go/v1; distribution 2.8 manifest/manifestlist.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from mfl_lint.core.manifest import Descriptor
from mfl_lint.core.platform import Platform
from mfl_lint.core.spaced import Container, Plain, Style, write

INDEX_ORDER: Final = (
    "schemaVersion",
    "mediaType",
    "artifactType",
    "manifests",
    "subject",
    "annotations",
)
OCI_ORDER: Final = (
    "mediaType",
    "digest",
    "size",
    "urls",
    "annotations",
    "data",
    "platform",
    "artifactType",
)
DOCKER_ORDER: Final = ("mediaType", "size", "digest", *OCI_ORDER[3:])
PLATFORM_ORDER: Final = ("architecture", "os", "os.version", "os.features", "variant")


def put(
    fields: Container,
    key: str,
    value: Plain | None,
    order: tuple[str, ...],
    style: Style,
    depth: int,
) -> Container:
    """Return the object with a value at a key; None takes the key away."""
    at = fields.find(key)
    if value is None:
        return fields if at is None else fields.without(at)
    text = write(value, style, depth)
    if at is None:
        return fields.having(place(fields, key, order), text, style, depth, key)
    return fields if _is(fields.items[at].value, value) else fields.with_value(at, text)


def _is(text: str, value: Plain) -> bool:
    """Say whether a text is the value, however it is spelt."""
    try:
        found = json.loads(text)
    except ValueError:
        return False
    return type(found) is type(value) and bool(found == value)


def place(fields: Container, key: str, order: tuple[str, ...]) -> int:
    """Return where a new key goes: behind the last of those that come before it."""
    earlier = order[: order.index(key)]
    return max((at + 1 for at, item in enumerate(fields.items) if item.key in earlier), default=0)


def platform_fields(platform: Platform) -> dict[str, Plain]:
    """Return a platform as JSON has it, without what it does not say."""
    fields: dict[str, Plain] = {
        "architecture": platform.architecture,
        "os": platform.os,
        "os.version": platform.os_version,
        "os.features": list(platform.os_features),
        "variant": platform.variant,
    }
    return {key: value for key, value in fields.items() if value}


def descriptor_fields(child: Descriptor, order: Sequence[str] = OCI_ORDER) -> dict[str, Plain]:
    """Return an entry as JSON has it; what the child does not say is left out."""
    fields: dict[str, Plain] = {
        "mediaType": child.media_type,
        "digest": child.digest or "",
        "size": child.size_bytes or 0,
        "urls": list(child.urls),
        "annotations": dict(sorted(child.annotations.items())),
        "platform": platform_fields(child.platform) if child.platform else {},
        "artifactType": child.artifact_type,
    }
    return {key: fields[key] for key in order if fields.get(key) or key == "size"}
