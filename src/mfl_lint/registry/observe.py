"""Look at one tag or digest and at everything below it: registry → Observation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec

from mfl_lint.core.digest import Digest, verifies
from mfl_lint.core.errors import NotFound, RegistryError
from mfl_lint.core.manifest import Document
from mfl_lint.core.observation import VERIFIED, Look, LookState, Node, Observation
from mfl_lint.core.parse import parse_document
from mfl_lint.core.reference import Reference
from mfl_lint.registry.blobs import Blobs
from mfl_lint.registry.source import Head, Known, NothingKnown, Source
from mfl_lint.registry.tree import Tree, look_of

NOTHING_KNOWN: Final = NothingKnown()
_WALKS: Final = 2
_MOVED: Final = Look(LookState.UNREACHABLE, "the tag moved twice during the walk")


class Unchanged(msgspec.Struct, frozen=True):
    """The tag still points at `digest`, which the caller vouched for; nothing else was asked.

    It opens and resolves nothing by itself. `looked_at` is aware UTC.
    """

    registry: str
    reference: Reference
    looked_at: datetime
    digest: Digest


async def observe(
    source: Source,
    registry: str,
    reference: Reference,
    *,
    now: Callable[[], datetime],
    known: Known = NOTHING_KNOWN,
    previous: Digest | None = None,
    check_blobs: bool = False,
) -> Observation | Unchanged:
    """Return what the source says of the reference now; no failure to look is raised.

    `registry` is the configured name. `previous` is what the tag pointed at before: pass it
    only where nothing below it has to be asked for, that is where the last look at it was
    complete and `known.present` still vouches for every child; the answer is then Unchanged
    after one HEAD. Without it an unchanged tag is walked again: bytes that `known` holds are
    not fetched, but each child that it does not vouch for is asked for with HEAD. `check_blobs`:
    so is each layer.
    """
    looked_at = now()
    look = _Look(source, reference, known, check_blobs)
    try:
        found = await look.take(previous)
    except RegistryError as error:
        return Observation(registry, reference, looked_at, look_of(error))
    if isinstance(found, Look):
        return Observation(registry, reference, looked_at, found)
    if isinstance(found, Node):
        return Observation(registry, reference, looked_at, VERIFIED, found)
    return Unchanged(registry, reference, looked_at, found)


class _Look:
    """One look at one reference; failures at the root itself are raised."""

    def __init__(
        self, source: Source, reference: Reference, known: Known, check_blobs: bool
    ) -> None:
        self._source = source
        self._repository = reference.repository
        self._digest = reference.digest
        self._target = reference.target
        self._known = known
        self._check_blobs = check_blobs

    async def take(self, previous: Digest | None) -> Node | Look | Digest:
        """Return the tree, why there is none, or the previous digest where it still stands."""
        head = await self._head()
        for _ in range(_WALKS):
            if previous is not None and head.digest == previous:
                return previous
            document = await self._document(head)
            if document.digest == previous:
                return document.digest
            tree = Tree(self._source, self._repository, self._known)
            await tree.grow(document)
            if not (self._check_blobs or tree.has_absent):
                return tree.node()
            blobs = Blobs(self._source, self._repository, self._known)
            if self._check_blobs:
                await blobs.look(tree.node(), tree.read_configs)
            if not (tree.has_absent or blobs.has_absent):
                return blobs.put(tree.node())
            # A child that is gone means a dangling digest only while the index still stands.
            try:
                head = await self._resolve()
            except NotFound:
                raise
            except RegistryError as error:
                unconfirmed = look_of(error)
                return blobs.put(tree.node(unconfirmed), unconfirmed)
            if _is(document, head.digest):
                return blobs.put(tree.node())
        return _MOVED

    async def _head(self) -> Head:
        head = await self._source.head(self._repository, self._target)
        if self._digest is None:
            return head
        return Head(self._digest, head.media_type, head.size_bytes)

    async def _resolve(self) -> Head:
        """Return what the reference is now, always with a digest."""
        head = await self._head()
        if head.digest is not None:
            return head
        document = await self._source.document(self._repository, self._target)
        return Head(document.digest, document.served_type, document.size_bytes)

    async def _document(self, head: Head) -> Document:
        """Return the root: kept bytes where they have the digest of `head`, else fetched ones."""
        if head.digest is not None:
            stored = (await self._known.contents([head.digest])).get(head.digest)
            if stored is not None:
                return parse_document(stored.raw, stored.media_type, stored.digest)
        document = await self._source.document(self._repository, self._target)
        if head.digest is None or _is(document, head.digest):
            return document
        return await self._settle(document, head.digest)

    async def _settle(self, document: Document, claimed: Digest) -> Document:
        """Return what the tag is, after GET gave other bytes than HEAD announced.

        A tag that moved in between is what GET gave. A tag that stands still has a wrong header
        or wrong bytes: asked for by digest, wrong bytes are a DigestMismatch, and a header that
        names nothing proves nothing.
        """
        if (await self._head()).digest != claimed:
            return document
        try:
            return await self._source.document(self._repository, claimed)
        except NotFound:
            return document


def _is(document: Document, digest: Digest | None) -> bool:
    """Say whether the digest, of whichever algorithm, is the document's."""
    if digest is None or digest == document.digest:
        return digest is not None
    return verifies(document.raw, digest)
