"""Synthetic images: as many distinct documents as are asked for, the same ones every time.

Manifests and configs have the size and fields of usual ones; layers are only named.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

INDEX: Final = "application/vnd.oci.image.index.v1+json"
MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
CONFIG: Final = "application/vnd.oci.image.config.v1+json"
LAYER: Final = "application/vnd.oci.image.layer.v1.tar+gzip"

PLATFORMS: Final = (
    {"architecture": "amd64", "os": "linux"},
    {"architecture": "arm64", "os": "linux"},
    {"architecture": "arm", "os": "linux", "variant": "v7"},
    {"architecture": "arm", "os": "linux", "variant": "v6"},
    {"architecture": "386", "os": "linux"},
    {"architecture": "ppc64le", "os": "linux"},
    {"architecture": "s390x", "os": "linux"},
    {"architecture": "riscv64", "os": "linux"},
)
TAGS: Final = ("1.0.0", "1.0.1", "1.1.0", "1.2.0", "latest")
# One tag in this many says amd64 where the config says arm64, so that findings are written too.
BROKEN_EVERY: Final = 20
_LAYERS: Final = 5
_CREATED: Final = "2026-03-01T12:00:00Z"


class Content(NamedTuple):
    """Bytes of a registry: `kind` is `manifests` or `blobs`, `name` a tag or the digest."""

    kind: str
    name: str
    media_type: str
    digest: str
    raw: bytes


def repository_names(count: int) -> tuple[str, ...]:
    """Return the repositories' names in order."""
    return tuple(f"bench/service-{number:04}" for number in range(count))


def is_broken(repository: int, tag: int) -> bool:
    """Say whether a tag has a wrong annotation."""
    return (repository * len(TAGS) + tag) % BROKEN_EVERY == 0


def tag_contents(repository: str, tag: str, *, broken: bool) -> Iterator[Content]:
    """Yield a tag's index, and the manifest and config of each platform."""
    entries = []
    for position, platform in enumerate(PLATFORMS):
        seed = f"{repository}:{tag}:{position}"
        config = _content("blobs", CONFIG, _config(platform, seed))
        manifest = _content("manifests", MANIFEST, _manifest(config, seed))
        yield config
        yield manifest
        says = PLATFORMS[0] if broken and position == 1 else platform
        entries.append(_descriptor(manifest) | {"platform": says})
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
    yield _content("manifests", INDEX, index)._replace(name=tag)


def _content(kind: str, media_type: str, document: dict[str, Any]) -> Content:
    raw = json.dumps(document, separators=(",", ":")).encode()
    digest = _digest(raw)
    return Content(kind, digest, media_type, digest, raw)


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _descriptor(content: Content) -> dict[str, Any]:
    return {"mediaType": content.media_type, "digest": content.digest, "size": len(content.raw)}


def _manifest(config: Content, seed: str) -> dict[str, Any]:
    layers = [
        {"mediaType": LAYER, "digest": _digest(f"{seed}/{n}".encode()), "size": 1_000_000 + n}
        for n in range(_LAYERS)
    ]
    return {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": _descriptor(config),
        "layers": layers,
        "annotations": {"org.opencontainers.image.created": _CREATED},
    }


def _config(platform: dict[str, str], seed: str) -> dict[str, Any]:
    step = {"created": _CREATED, "created_by": "RUN /bin/sh -c make install # buildkit"}
    return platform | {
        "created": _CREATED,
        "config": {
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "Entrypoint": ["/app/service"],
            "WorkingDir": "/app",
            "Labels": {"org.opencontainers.image.title": seed},
        },
        "rootfs": {
            "type": "layers",
            "diff_ids": [_digest(f"{seed}/{n}.tar".encode()) for n in range(_LAYERS)],
        },
        "history": [step, step | {"empty_layer": True}] * _LAYERS,
    }
