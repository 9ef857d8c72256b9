"""An Observation: what one registry said of one tag, when, and what it did not say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum

import msgspec

from mfl_lint.core.digest import Digest
from mfl_lint.core.inside import Inside
from mfl_lint.core.manifest import Descriptor, Document, Form, ImageConfig
from mfl_lint.core.reference import Reference


class LookState(StrEnum):
    """How one look ended. Only `verified` and `absent` say something about the content."""

    VERIFIED = "verified"
    ABSENT = "absent"
    DENIED = "denied"
    THROTTLED = "throttled"
    UNREACHABLE = "unreachable"
    INVALID = "invalid"


class Look(msgspec.Struct, frozen=True, gc=False):
    """One look's end and, for people, why (one bounded line, no credentials).

    `mismatch` is the digest that the bytes really had, seen in two full-length answers;
    `claimed` the one that they were asked for by, where the asker may not know it.
    `bounded` says that we do not look here by our own limits: another look would not help.
    """

    state: LookState
    detail: str = ""
    mismatch: Digest | None = None
    bounded: bool = False
    claimed: Digest | None = None

    @property
    def conclusive(self) -> bool:
        """Say whether the look tells something about the content that another would repeat."""
        seen = self.state in (LookState.VERIFIED, LookState.ABSENT)
        return seen or self.bounded or self.mismatch is not None


VERIFIED = Look(LookState.VERIFIED)


class Kind(StrEnum):
    """What a node is (rules.md "Kinds"), decided once before any rule."""

    INDEX = "index"
    IMAGE = "image"
    ATTESTATION = "attestation"
    BLOB = "blob"
    ARTIFACT = "artifact"
    UNDECIDED = "undecided"


class Node(msgspec.Struct, frozen=True):
    """A document in its place: the root of an observation, or what an entry points at.

    `position` counts the index's entries from 0, None for the root. `entry` is the descriptor
    that led here (the root's is made from the registry's answer). `look` is None where nobody
    looked (a blob entry, a walk that was bounded). `config_look` is None where no config was
    asked for. `children` are those of an index, in the index's order. `inside` is what was read
    of an image's layers, None where nobody asked for it. `blobs` says, by digest, how the looks at
    a manifest's layers and config ended, None where nobody asked whether they are there.
    """

    position: int | None
    entry: Descriptor
    kind: Kind
    look: Look | None = None
    document: Document | None = None
    config_look: Look | None = None
    config: ImageConfig | None = None
    children: tuple[Node, ...] = ()
    inside: Inside | None = None
    blobs: Mapping[Digest, Look] | None = None

    @property
    def is_index(self) -> bool:
        """Say whether the node's document was read and is an index."""
        return self.document is not None and self.document.form is Form.INDEX

    @property
    def conclusive(self) -> bool:
        """Say whether every look at the node, its config and its blobs is."""
        return all(look is VERIFIED or look.conclusive for look in self.looks())

    def looks(self) -> Iterator[Look]:
        """Yield every look at the node, its config and its blobs."""
        if self.look is not None:
            yield self.look
        if self.config_look is not None:
            yield self.config_look
        if self.blobs:
            yield from self.blobs.values()

    def walk(self) -> Iterator[Node]:
        """Yield the node and all below it, depth first, in the order of the entries."""
        yield self
        for child in self.children:
            yield from child.walk() if child.children else (child,)

    def images(self) -> Iterator[Node]:
        """Yield every image at or below the node, nested indexes included."""
        return (node for node in self.walk() if node.kind is Kind.IMAGE)


class Observation(msgspec.Struct, frozen=True):
    """One look at one tag or digest, with everything below it.

    `registry` is the configured name (for a scan without configuration: the host).
    `looked_at` is aware UTC. `root` is None unless `look` is verified.
    """

    registry: str
    reference: Reference
    looked_at: datetime
    look: Look
    root: Node | None = None

    @property
    def digest(self) -> Digest | None:
        """Return what the tag points at, None if it was not seen."""
        return self.root.entry.digest if self.root else None

    @property
    def complete(self) -> bool:
        """Say whether tag, index and every child were seen or known to be absent."""
        if self.root is None:
            return False
        return all(node.conclusive for node in self.root.walk())
