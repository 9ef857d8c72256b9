"""Whether the bytes of an answer are those that were asked for: their own hash decides."""

from __future__ import annotations

from mfl_lint.core.digest import Digest, digest_of, is_digest, verifies
from mfl_lint.core.errors import BodyInvalid, DigestMismatch
from mfl_lint.registry.answer import Answer, place


def claimed_digest(answer: Answer) -> Digest | None:
    """Return the digest that the registry claims, None for none that could be verified."""
    claimed = answer.headers.get("Docker-Content-Digest", "")
    return Digest(claimed) if is_digest(claimed) else None


def verified_digest(answer: Answer, target: str) -> Digest | None:
    """Return the digest of the bytes, None where they may just be cut.

    By digest they must hash to it: DigestMismatch, or BodyInvalid where they may be cut. By
    tag their own hash decides; a header that agrees names the algorithm and proves the end.
    """
    by_digest = is_digest(target)
    expected = Digest(target) if by_digest else claimed_digest(answer)
    if expected is not None and verifies(answer.body, expected):
        return expected
    if not by_digest and (answer.framed or expected is None):
        return digest_of(answer.body) if answer.framed else None
    where = f"{answer.method} {place(answer.url)}"
    if not answer.framed or expected is None:
        raise BodyInvalid(f"{where}: the answer was cut off")
    actual = digest_of(answer.body, expected.partition(":")[0])
    raise DigestMismatch(f"{where}: the bytes are {actual}, not {expected}", actual, expected)
