"""One document without a registry: from a file, or from bytes on the standard input."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from mfl_lint.core.digest import Digest, is_digest, verifies
from mfl_lint.core.errors import BodyInvalid, ManifestInvalid, NotObserved
from mfl_lint.core.manifest import (
    MAX_DOCUMENT_BYTES,
    OCI_INDEX,
    OCI_MANIFEST,
    SCHEMA1_SIGNED,
    Document,
    Form,
)
from mfl_lint.core.parse import parse_document
from mfl_lint.core.reference import Reference
from mfl_lint.registry.layout import open_regular, read_bounded
from mfl_lint.registry.source import Head, Listing
from mfl_lint.registry.streaming import Take

_PLAIN_TYPES: Final = {
    Form.INDEX: OCI_INDEX,
    Form.MANIFEST: OCI_MANIFEST,
    Form.SCHEMA1: SCHEMA1_SIGNED,
}


class BareSource:
    """A Source of one document, whatever tag is asked for.

    What the document leads to is not there to be looked at: asking for it raises NotObserved,
    so that rules which need the index alone still decide and all others are unknown.
    """

    def __init__(self, raw: bytes) -> None:
        document = parse_document(raw, "")
        # Nobody served it under another name: it is what it says that it is, or what it is.
        media_type = document.media_type or _PLAIN_TYPES.get(document.form, "")
        self._document = msgspec.structs.replace(document, served_type=media_type)

    @classmethod
    def from_file(cls, path: Path) -> BareSource:
        """Return the document in a regular file; ManifestInvalid where it cannot be read."""
        try:
            return cls(read_bounded(open_regular(path), str(path), MAX_DOCUMENT_BYTES))
        except BodyInvalid as error:
            raise ManifestInvalid(str(error)) from error
        except OSError as error:
            reason = error.strerror or "it cannot be read"
            raise ManifestInvalid(f"{path}: {reason}") from error

    @classmethod
    def from_stream(cls, stream: BinaryIO) -> BareSource:
        """Return the document in a stream, read to its end; ManifestInvalid if it is too large."""
        raw = stream.read(MAX_DOCUMENT_BYTES + 1)
        if len(raw) > MAX_DOCUMENT_BYTES:
            raise ManifestInvalid(f"the input has more than {MAX_DOCUMENT_BYTES} bytes: not read")
        return cls(raw)

    @staticmethod
    def reference(name: str) -> Reference:
        """Return how to ask for the document; its `name` stands for the registry: `file:PATH`."""
        return Reference(name, "")

    async def head(self, repository: str, target: str) -> Head:
        """Return the document's digest and size."""
        document = self._asked_for(target)
        return Head(document.digest, document.media_type, document.size_bytes)

    async def document(self, repository: str, target: str, media_type: str = "") -> Document:
        """Return the document."""
        return self._asked_for(target)

    async def blob(self, repository: str, digest: Digest, limit: int) -> bytes:
        """Raise NotObserved: there are no blobs."""
        raise NotObserved(f"{digest} is not part of a bare document")

    async def stream(self, repository: str, digest: Digest, take: Take, limit: int) -> None:
        """Raise NotObserved: there are no blobs."""
        raise NotObserved(f"{digest} is not part of a bare document")

    async def check_blob(self, repository: str, digest: Digest) -> None:
        """Raise NotObserved: there are no blobs."""
        raise NotObserved(f"{digest} is not part of a bare document")

    async def tags(self, repository: str) -> Listing:
        """Return no tags."""
        return Listing(())

    async def repositories(self) -> Listing:
        """Return no repositories."""
        return Listing(())

    async def close(self) -> None:
        """Do nothing: no file stays open."""

    def _asked_for(self, target: str) -> Document:
        if is_digest(target) and not verifies(self._document.raw, Digest(target)):
            raise NotObserved(f"{target} is not part of a bare document")
        return self._document
