"""Images that may take the place of one that is gone."""

from __future__ import annotations

import msgspec

from mfl_lint.core.manifest import Descriptor
from mfl_lint.core.observation import Node
from mfl_lint.core.plan import Mend
from mfl_lint.core.platform import Platform
from mfl_lint.core.reference import Reference
from mfl_lint.core.right_platform import canonical
from mfl_lint.core.steps import Repoint


class Spare(msgspec.Struct, frozen=True):
    """An image that may take the place of one that is gone: the node, and where it lies."""

    node: Node
    source: Reference

    @property
    def platform(self) -> Platform | None:
        """Return what it is for, in normal form, by its config."""
        built = canonical(self.node.config.platform) if self.node.config is not None else None
        return built.normalized() if built is not None else None


def repointed(at: int, child: Node, spare: Spare) -> Mend:
    """Return what points an entry at the image that takes the place of its own."""
    found = described(spare.node)
    entry = msgspec.structs.replace(
        found, platform=child.entry.platform, annotations=child.entry.annotations
    )
    source = msgspec.structs.replace(spare.source, tag=None, digest=found.digest)
    same = found.digest == child.entry.digest
    has = "has it" if same else "is for the same platform"
    why = f"its image is gone, and {spare.source.familiar} {has}"
    return Mend(Repoint(at, entry, source), why)


def described(node: Node) -> Descriptor:
    """Return what leads to a node, with the size and type that its bytes really have."""
    document = node.document
    if document is None:
        return node.entry
    return msgspec.structs.replace(
        node.entry,
        media_type=document.media_type or document.served_type,
        size_bytes=document.size_bytes,
    )
