"""What is asked for by name or digest: its path, and the mark of what came."""

from __future__ import annotations

import re
from typing import Final

from mfl_lint.core.digest import Digest, is_digest
from mfl_lint.core.errors import ReferenceInvalid
from mfl_lint.core.reference import is_repository, is_tag
from mfl_lint.registry.answer import Answer

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


def etag(answer: Answer) -> str:
    """Return the answer's ETag, "" where it has none that proves equal bytes (RFC 9110, 8.8.1)."""
    value = answer.headers.get("ETag", "").strip()
    return value if _STRONG.fullmatch(value) else ""
