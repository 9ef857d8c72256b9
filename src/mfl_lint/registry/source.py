"""What `observe` asks of anything that holds images: a registry, a layout, an archive, a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from mfl_lint.core.digest import Digest
from mfl_lint.core.manifest import Document
from mfl_lint.registry.streaming import Take


class Head(msgspec.Struct, frozen=True):
    """The answer to HEAD; `digest` is None where the registry sent no usable header.

    `etag` is what the registry wants to hear in If-Match, "" where it sent none.
    """

    digest: Digest | None
    media_type: str = ""
    size_bytes: int | None = None
    etag: str = ""


class Listing(msgspec.Struct, frozen=True):
    """Names, in the registry's order, once each. `problem` is "" where the listing is complete."""

    names: tuple[str, ...]
    problem: str = ""

    @property
    def complete(self) -> bool:
        """Say whether every page was read."""
        return not self.problem


class Source(Protocol):
    """Errors are those of the RegistryError tree; every call has a total timeout.

    `target` is a tag or a digest. A document asked for by digest is verified against it
    (twice on a mismatch, then DigestMismatch); one asked for by tag carries its own hash.
    """

    async def head(self, repository: str, target: str) -> Head:
        """Return what the tag or digest is, without its bytes."""

    async def document(self, repository: str, target: str, media_type: str = "") -> Document:
        """Return the document; `media_type` is what the entry calls it, for sources on disk."""

    async def blob(self, repository: str, digest: Digest, limit: int) -> bytes:
        """Return the verified bytes of a small blob (a config); BodyInvalid above `limit`."""

    async def stream(self, repository: str, digest: Digest, take: Take, limit: int) -> None:
        """Hand a large blob (a layer) to `take`, piece by piece; BodyInvalid above `limit` bytes.

        Where `take` says False the rest is not read, and nothing was verified. Else all of it
        was handed on, and it is verified: DigestMismatch. Pieces come before that is known.
        """

    async def check_blob(self, repository: str, digest: Digest) -> None:
        """Raise NotFound where the blob is not there; nothing of it is read."""

    async def tags(self, repository: str) -> Listing:
        """Return the repository's tags."""

    async def repositories(self) -> Listing:
        """Return the names of all repositories."""

    async def close(self) -> None:
        """Let go of connections and files."""


class StoredContent(msgspec.Struct, frozen=True):
    """A document or config that was fetched and verified before."""

    digest: Digest
    raw: bytes
    media_type: str


class Known(Protocol):
    """What need not be fetched again: `observe` asks for many digests at once."""

    async def contents(self, digests: Sequence[Digest]) -> Mapping[Digest, StoredContent]:
        """Return those of the digests whose bytes are kept."""

    async def present(self, repository: str, digests: Sequence[Digest]) -> frozenset[Digest]:
        """Return those whose presence in the repository was confirmed recently enough."""


class NothingKnown:
    """A memory that holds nothing: `scan` looks at everything."""

    async def contents(self, digests: Sequence[Digest]) -> Mapping[Digest, StoredContent]:
        """Return nothing."""
        return {}

    async def present(self, repository: str, digests: Sequence[Digest]) -> frozenset[Digest]:
        """Return nothing."""
        return frozenset()
