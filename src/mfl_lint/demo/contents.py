"""What the demo registry holds: repositories, tags, manifests and blobs, in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from mfl_lint.core.digest import Digest, digest_of, is_digest, verifies
from mfl_lint.core.errors import DigestMismatch


class Stored(msgspec.Struct, frozen=True):
    """A manifest as it was put: its exact bytes and the Content-Type it came with."""

    raw: bytes
    media_type: str
    digest: Digest


class _Repository:
    """One repository's names: what a tag points at, what is there by digest."""

    __slots__ = ("blobs", "manifests", "tags")

    def __init__(self) -> None:
        self.manifests: dict[Digest, Stored] = {}
        self.tags: dict[str, Digest] = {}
        self.blobs: set[Digest] = set()


def _verified(data: bytes, digest: Digest | None) -> Digest:
    """Return the digest of `data`, which is `digest` where one is given, else DigestMismatch."""
    if digest is None:
        return digest_of(data)
    if not verifies(data, digest):
        raise DigestMismatch(f"the content does not hash to {digest}")
    return digest


def _named(document: Any, *fields: str) -> Iterator[Digest]:
    """Yield the digests that a document names in the given fields, as far as they are any."""
    for field in fields:
        value = document.get(field)
        for descriptor in value if isinstance(value, list) else [value]:
            if isinstance(descriptor, dict) and is_digest(descriptor.get("digest")):
                yield Digest(descriptor["digest"])


class Contents:
    """Everything that was pushed. Blobs are kept once and belong to repositories by digest."""

    def __init__(self) -> None:
        self._repositories: dict[str, _Repository] = {}
        self._blobs: dict[Digest, bytes] = {}

    def _of(self, repository: str) -> _Repository:
        return self._repositories.setdefault(repository, _Repository())

    def put_blob(self, repository: str, data: bytes, digest: Digest | None = None) -> Digest:
        """Keep a blob and return its digest; DigestMismatch where it is not the one given."""
        digest = _verified(data, digest)
        self._blobs[digest] = data
        self._of(repository).blobs.add(digest)
        return digest

    def put_manifest(
        self, repository: str, raw: bytes, media_type: str, *tags: str, digest: Digest | None = None
    ) -> Digest:
        """Keep a manifest, point the tags at it and return its digest.

        Nothing is checked but the digest, where one is given (DigestMismatch).
        """
        digest = _verified(raw, digest)
        there = self._of(repository)
        there.manifests[digest] = Stored(raw, media_type, digest)
        for tag in tags:
            there.tags[tag] = digest
        return digest

    def mount_blob(self, repository: str, source: str, digest: Digest) -> bool:
        """Let a repository have another one's blob; say whether that one has it."""
        if self.blob(source, digest) is None:
            return False
        self._of(repository).blobs.add(digest)
        return True

    def manifest(self, repository: str, target: str) -> Stored | None:
        """Return what a tag or digest names, None if nothing."""
        there = self._repositories.get(repository)
        if there is None:
            return None
        digest = Digest(target) if is_digest(target) else there.tags.get(target)
        return there.manifests.get(digest) if digest else None

    def blob(self, repository: str, digest: Digest) -> bytes | None:
        """Return a blob's bytes, None where the repository does not have it."""
        there = self._repositories.get(repository)
        return self._blobs.get(digest) if there and digest in there.blobs else None

    def delete_manifest(self, repository: str, target: str) -> bool:
        """Forget a tag, or a digest with all tags that point at it; say whether it was there."""
        there = self._repositories.get(repository)
        if there is None:
            return False
        if not is_digest(target):
            return there.tags.pop(target, None) is not None
        there.tags = {tag: digest for tag, digest in there.tags.items() if digest != target}
        return there.manifests.pop(Digest(target), None) is not None

    def delete_blob(self, repository: str, digest: Digest) -> bool:
        """Take a blob from a repository; say whether it was there."""
        if self.blob(repository, digest) is None:
            return False
        self._of(repository).blobs.discard(digest)
        return True

    def delete_repository(self, repository: str) -> bool:
        """Forget a repository; say whether it was there."""
        return self._repositories.pop(repository, None) is not None

    def tags(self, repository: str) -> list[str] | None:
        """Return the tags in order, None for a repository that nobody pushed to."""
        there = self._repositories.get(repository)
        return None if there is None else sorted(there.tags)

    def repositories(self) -> list[str]:
        """Return the names of the repositories that hold a manifest, in order."""
        return sorted(name for name, there in self._repositories.items() if there.manifests)

    def missing(self, repository: str, raw: bytes) -> list[Digest]:
        """Return what a manifest names and the repository lacks.

        A child may be there as a manifest or as a blob. Bytes that are no JSON object raise
        ValueError.
        """
        document = json.loads(raw)
        if not isinstance(document, dict):
            raise ValueError("not an object")
        there = self._of(repository)
        lacking = [d for d in _named(document, "config", "layers") if d not in there.blobs]
        children = _named(document, "manifests")
        return lacking + [d for d in children if d not in there.manifests and d not in there.blobs]
