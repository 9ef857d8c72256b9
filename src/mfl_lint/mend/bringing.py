"""What a list points at is brought to where the list will lie: blobs first, then manifests.

From the same registry blobs are mounted, or uploaded where a mount is refused; from another one
they are copied if the plan allows it. Nothing is brought that is there already.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from mfl_lint.core.digest import Digest
from mfl_lint.core.errors import NotFound, Refused, RegistryError, Rejected
from mfl_lint.core.kind import is_foreign_layer
from mfl_lint.core.manifest import INDEX_TYPES, MANIFEST_TYPES, Descriptor, Document, Form
from mfl_lint.core.parse import clean_media_type
from mfl_lint.core.reference import Reference
from mfl_lint.registry.client import RegistryClient
from mfl_lint.registry.origin import api_host
from mfl_lint.registry.push import Writer

Clients = Callable[[str], RegistryClient]
_MAX_DEPTH: Final = 4
_AT_ONCE: Final = 4


class Child(msgspec.Struct, frozen=True):
    """What a list points at, and where it lies; the source's tag does not matter."""

    entry: Descriptor
    source: Reference


class Progress(msgspec.Struct, frozen=True):
    """How far one blob is; `done` when it is there, whether it was mounted or copied."""

    digest: Digest
    sent_bytes: int
    size_bytes: int
    done: bool = False


class Need(msgspec.Struct, frozen=True):
    """Something that has to be brought: a document with what is below it, or a blob."""

    entry: Descriptor
    source: Reference
    document: Document | None = None
    below: tuple[Need, ...] = ()


class Bringer:
    """Brings children into one repository. `writer` writes to its registry."""

    def __init__(
        self,
        clients: Clients,
        target: Reference,
        *,
        copy: bool,
        progress: Callable[[Progress], None],
    ) -> None:
        self.writer = Writer(clients(target.registry))
        self.writer.client.write_to(target.repository)
        self._clients = clients
        self._target = target
        self._copy = copy
        self._progress = progress
        self._copying = asyncio.Lock()
        self._needs: dict[Digest, Need | None] = {}
        self._brought: set[Digest] = set()
        self._child: Digest | None = None
        self._etags: bool | None = None

    async def needs(self, children: Sequence[Child]) -> tuple[Need, ...]:
        """Return what has to be brought; nothing is written.

        Raise Refused, or a RegistryError, that names the child which cannot be had.
        """
        found = []
        for child in {one.entry.digest: one for one in children}.values():
            need = await self._need(child.entry, child.source, 0)
            if need is not None:
                found.append(need)
        return tuple(found)

    async def bring(self, needs: Sequence[Need]) -> None:
        """Bring all of it once, what is below before what is above; raise RegistryError."""
        for need in needs:
            if need.entry.digest in self._brought:
                continue
            if need.document is None:
                await self._bring_blobs([need])
                continue
            await self._bring_blobs([one for one in need.below if one.document is None])
            await self.bring([one for one in need.below if one.document is not None])
            await self._put(need.document, need.entry)

    async def check(self, children: Sequence[Child]) -> None:
        """Raise a RegistryError that names the child which is not, or no longer, beside the list.

        Between a look and the put of a list others delete, retention and garbage collection too.
        """
        turns = asyncio.Semaphore(_AT_ONCE)

        async def one(digest: Digest) -> None:
            async with turns:
                try:
                    await self.writer.client.head(self._target.repository, digest)
                except NotFound as error:
                    raise NotFound(
                        f"child {digest} is not in {self._target.name} any more: {error}"
                    ) from None

        documents = (child.entry for child in children if _is_document(child.entry))
        digests = dict.fromkeys(entry.digest for entry in documents if entry.digest)
        await _first_failure(one(digest) for digest in digests)

    async def offers_etags(self, index: Digest) -> bool:
        """Say whether the registry marks what it has with ETags, so that puts can be conditional.

        Where no child was there to tell, one that was brought is looked at (else the index), once.
        """
        if self._etags is None:
            known = self._child or index
            try:
                head = await self.writer.client.head(self._target.repository, known)
                self._etags = bool(head.etag)
            except RegistryError:
                self._etags = False
        return bool(self._etags)

    async def _need(self, entry: Descriptor, source: Reference, depth: int) -> Need | None:
        """Return what has to be brought, asked for once however many lists name it."""
        digest = entry.digest
        if digest is None:
            raise Refused("an entry of the list has no usable digest: nothing can be put there")
        if digest not in self._needs:
            asked = self._need_document if _is_document(entry) else self._need_blob
            self._needs[digest] = await asked(entry, digest, source, depth)
        return self._needs[digest]

    async def _need_document(
        self, entry: Descriptor, digest: Digest, source: Reference, depth: int
    ) -> Need | None:
        try:
            head = await self.writer.client.head(self._target.repository, digest)
            self._etags = self._etags or bool(head.etag)
            return None
        except NotFound as error:
            absent = error
        if self._is_home(source):
            raise NotFound(f"child {digest} is missing in {self._target.name}: {absent}")
        self._check_allowed(source)
        document = await self._fetch(digest, source)
        if depth >= _MAX_DEPTH:
            raise Refused(f"{digest}: nested deeper than {_MAX_DEPTH}")
        for named in (*document.entries, *_blobs_in(document)):
            if named.digest is None:
                raise Refused(
                    f"child {digest} of {source.name} names {named.media_type or 'something'} "
                    "without a usable digest: nothing can be put there"
                )
        below = [await self._need(one, source, depth + 1) for one in _documents_in(document)]
        blobs = [Need(one, source) for one in _blobs_in(document)]
        return Need(entry, source, document, (*blobs, *(one for one in below if one)))

    async def _need_blob(
        self, entry: Descriptor, _digest: Digest, source: Reference, _depth: int
    ) -> Need | None:
        if self._is_home(source):
            return None
        self._check_allowed(source)
        return Need(entry, source)

    async def _fetch(self, digest: Digest, source: Reference) -> Document:
        client = self._clients(source.registry)
        try:
            return await client.document(source.repository, digest)
        except RegistryError as error:
            error.args = (f"child {digest} of {source.name}: {error}",)
            raise

    async def _bring_blobs(self, needs: Sequence[Need]) -> None:
        turns = asyncio.Semaphore(_AT_ONCE)

        async def one(need: Need) -> None:
            async with turns:
                await self._bring_blob(need.entry, need.source)

        each = {need.entry.digest: need for need in needs}.values()
        await _first_failure(one(need) for need in each)

    async def _bring_blob(self, blob: Descriptor, source: Reference) -> None:
        """Have the blob in the target's repository, the cheapest way that the registries allow."""
        digest, size = Digest(blob.digest or ""), blob.size_bytes or 0
        if digest in self._brought:
            return None
        repository, writer, upload = self._target.repository, self.writer, None
        if self._is_neighbour(source):
            upload = await writer.mount(repository, digest, source.repository)
            if upload is None:
                return self._done(digest, size)
        if await writer.has_blob(repository, digest):
            if upload is not None:
                await upload.cancel()
            return self._done(digest, size)
        # One at a time: what is held of a blob is bounded.
        async with self._copying:
            await writer.copy(
                blob,
                self._clients(source.registry),
                source.repository,
                repository,
                upload,
                sent=lambda count: self._progress(Progress(digest, count, size)),
            )
        return self._done(digest, size)

    def _done(self, digest: Digest, size_bytes: int) -> None:
        self._brought.add(digest)
        self._progress(Progress(digest, size_bytes, size_bytes, done=True))

    async def _put(self, document: Document, entry: Descriptor) -> None:
        """Put a child with its exact bytes, by its digest."""
        media_type = document.media_type or document.served_type or entry.media_type
        digest = Digest(entry.digest or "")
        kept = await self.writer.put_manifest(
            self._target.repository, digest, document.raw, media_type
        )
        if kept not in (None, digest):
            raise Rejected(f"child {digest}: the registry says that it keeps {kept}")
        self._brought.add(digest)
        self._child = digest

    def _is_home(self, source: Reference) -> bool:
        return self._is_neighbour(source) and source.repository == self._target.repository

    def _is_neighbour(self, source: Reference) -> bool:
        return api_host(source.registry).lower() == api_host(self._target.registry).lower()

    def _check_allowed(self, source: Reference) -> None:
        if not (self._copy or self._is_neighbour(source)):
            raise Refused(
                f"{source.name} lies in another registry than {self._target.name}: {_COPY}"
            )


async def _first_failure(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do it all at once; raise the first RegistryError, as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except* RegistryError as failed:
        first: BaseException = failed
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None


_COPY: Final = "--copy copies what is missing from there"


def _is_document(entry: Descriptor) -> bool:
    """Say whether an entry is asked for under /manifests/; what has no type is."""
    media_type = clean_media_type(entry.media_type)
    return not media_type or media_type in INDEX_TYPES | MANIFEST_TYPES or "manifest" in media_type


def _documents_in(document: Document) -> Iterator[Descriptor]:
    yield from (one for one in document.entries if _is_document(one))


def _blobs_in(document: Document) -> Iterator[Descriptor]:
    """Yield what a registry has to have beside a document: its config, layers, blob entries."""
    if document.form is Form.INDEX:
        yield from (one for one in document.entries if not _is_document(one))
        return
    own = [layer for layer in document.layers if not is_foreign_layer(layer)]
    yield from (named for named in (document.config, *own) if named is not None)
