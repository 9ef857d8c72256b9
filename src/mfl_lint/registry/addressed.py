"""What is asked for by name or digest: the path to ask for, and whether it is what came."""

from __future__ import annotations

import re
from typing import Final

from mfl_lint.core.digest import Digest, digest_of, is_digest, verifies
from mfl_lint.core.errors import BodyInvalid, DigestMismatch, ReferenceInvalid
from mfl_lint.core.reference import is_repository, is_tag
from mfl_lint.registry.answer import Answer, place

_STRONG: Final = re.compile(r'"[\x21\x23-\x7e]{1,200}"')


def path_of(repository: str, kind: str, target: str) -> str:
    """Return the API's path of something in a repository; raise ReferenceInvalid."""
    if not is_repository(repository):
        raise ReferenceInvalid(f"not a repository's name: {repository[:100]!r}")
    if not (is_digest(target) or is_tag(target)):
        raise ReferenceInvalid(f"neither a tag nor a digest: {target[:100]!r}")
    return f"/v2/{repository}/{kind}/{target}"


def blob_path(repository: str, digest: Digest) -> str:
    """Return the API's path of a blob; raise ReferenceInvalid."""
    if not is_digest(digest):
        raise ReferenceInvalid(f"not a digest: {digest[:100]!r}")
    return path_of(repository, "blobs", digest)


def digest_header(answer: Answer) -> Digest | None:
    """Return the digest that the registry claims, None for none that could be verified."""
    claimed = answer.headers.get("Docker-Content-Digest", "")
    return Digest(claimed) if is_digest(claimed) else None


def etag(answer: Answer) -> str:
    """Return the answer's ETag, "" where it has none that proves equal bytes (RFC 9110, 8.8.1)."""
    value = answer.headers.get("ETag", "").strip()
    return value if _STRONG.fullmatch(value) else ""


def verify(answer: Answer, target: str) -> Digest | None:
    """Return the digest of the bytes, None where they may just be cut.

    By digest they must hash to it: DigestMismatch, or BodyInvalid where they may be cut. By
    tag their own hash decides; a header that agrees names the algorithm and proves the end.
    """
    by_digest = is_digest(target)
    expected = Digest(target) if by_digest else digest_header(answer)
    if expected is not None and verifies(answer.body, expected):
        return expected
    if not by_digest and (answer.framed or expected is None):
        return digest_of(answer.body) if answer.framed else None
    where = f"{answer.method} {place(answer.url)}"
    if not answer.framed or expected is None:
        raise BodyInvalid(f"{where}: the answer was cut off")
    actual = digest_of(answer.body, expected.partition(":")[0])
    raise DigestMismatch(f"{where}: the bytes are {actual}, not {expected}", actual, expected)
