"""Digests: the grammar, and hashing of bytes that were really received.

Source: OCI image-spec 1.1, descriptor.md "Digests"; registered algorithms sha256, sha512.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final, NewType

from mfl_lint.core.errors import ReferenceInvalid

Digest = NewType("Digest", str)

_HASHES: Final = {"sha256": hashlib.sha256, "sha512": hashlib.sha512}
_REGISTERED: Final = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


def is_digest(text: object) -> bool:
    """Say whether `text` is a digest of a registered algorithm, in full."""
    return isinstance(text, str) and _REGISTERED.fullmatch(text) is not None


def parse_digest(text: str) -> Digest:
    """Return `text` as a digest; raise ReferenceInvalid if it is none that can be verified."""
    if not is_digest(text):
        raise ReferenceInvalid(f"not a sha256 or sha512 digest: {text[:100]!r}")
    return Digest(text)


def digest_of(data: bytes, algorithm: str = "sha256") -> Digest:
    """Return the digest of `data`; raise ReferenceInvalid for an unregistered algorithm."""
    if algorithm not in _HASHES:
        raise ReferenceInvalid(f"not sha256 or sha512: {algorithm[:100]!r}")
    return Digest(f"{algorithm}:{_HASHES[algorithm](data).hexdigest()}")


def verifies(data: bytes, digest: Digest) -> bool:
    """Say whether `data` hashes to `digest`, by the digest's own algorithm."""
    algorithm, _, encoded = digest.partition(":")
    if algorithm == "sha256":
        return hashlib.sha256(data).hexdigest() == encoded
    return digest_of(data, algorithm) == digest
