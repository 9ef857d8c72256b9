"""Which layers an index's images of different architectures have in common."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from mfl_lint.core.digest import Digest
from mfl_lint.core.layer import LayerSummary
from mfl_lint.core.observation import Kind, Node
from mfl_lint.core.platform import Platform

# An archive without files, packed, has no more.
_EMPTY_BYTES = 1024


class Sharer(msgspec.Struct, frozen=True):
    """An image of an index with its platform in normal form, and its layers' sizes in bytes."""

    node: Node
    platform: Platform
    layers: dict[Digest, int]

    def summary(self, digest: Digest) -> LayerSummary | None:
        """Return what was read of one of the image's layers."""
        inside = self.node.inside
        found = inside.layers if inside is not None else ()
        return next((layer for layer in found if layer and layer.digest == digest), None)


def have_common_layers(index: Node) -> bool:
    """Say whether any layer is listed twice, which most indexes' images never do."""
    met: set[Digest] = set()
    for node in index.children:
        if node.kind is Kind.IMAGE and node.document is not None:
            for layer in node.document.layers:
                if layer.digest in met:
                    return True
                if layer.digest:
                    met.add(layer.digest)
    return False


def sharers(index: Node) -> tuple[Sharer, ...]:
    """Return the index's images of which document and platform are known."""
    return tuple(
        Sharer(node, platform.normalized(), _layers(node))
        for node in index.children
        if node.kind is Kind.IMAGE and (platform := declared(node)) is not None
    )


def declared(node: Node) -> Platform | None:
    """Return an image's platform: what its entry says, else its config; None = not known."""
    built = node.config.platform if node.config is not None else None
    for platform in (node.entry.platform, built):
        if platform and platform.os and platform.architecture and not platform.is_unknown:
            return platform
    return None


def shared_layers(images: Iterable[Sharer]) -> frozenset[Digest]:
    """Return the layers that images of different architectures share; empty ones do not count.

    A reader that looks inside has to read these too, for MFL602.
    """
    owners: dict[Digest, set[str]] = {}
    for image in images:
        for digest, size in image.layers.items():
            if size > _EMPTY_BYTES:
                owners.setdefault(digest, set()).add(image.platform.architecture)
    return frozenset(digest for digest, names in owners.items() if len(names) > 1)


def _layers(node: Node) -> dict[Digest, int]:
    layers = node.document.layers if node.document is not None else ()
    return {layer.digest: layer.size_bytes or 0 for layer in layers if layer.digest}
