"""What became of a tag, from what was seen of it and what the registry answered."""

from __future__ import annotations

from mfl_lint.core.digest import Digest
from mfl_lint.core.errors import (
    Denied,
    NotFound,
    Overtaken,
    RateLimited,
    Refused,
    RegistryError,
    Rejected,
    Unanswered,
)
from mfl_lint.core.reference import Reference
from mfl_lint.mend.outcome import End, TagEnd


def end_of(
    ours: Digest,
    before: Digest | None,
    seen: Digest | None,
    claimed: Digest | None,
    failure: RegistryError | None,
) -> End:
    """Return how a put ended after which the tag is `seen`.

    `claimed` is the digest that the registry named in its answer, `failure` why there is none.
    """
    if seen == ours:
        return End.PUSHED
    if seen is not None and seen == claimed:
        return End.REWRITTEN
    if isinstance(failure, Overtaken) and seen != before:
        return End.MOVED
    if is_certain(failure):
        return End.REFUSED
    if isinstance(failure, Unanswered):
        return End.UNKNOWN
    return End.FAILED if seen == before else End.OVERTAKEN


def is_certain(failure: RegistryError | None) -> bool:
    """Say whether a failure proves that nothing was changed."""
    return isinstance(failure, Rejected | Denied | RateLimited)


def moved(reference: Reference, before: Digest | None, seen: Digest | None) -> TagEnd:
    """Return the end of a push that another one came before."""
    was, is_now = before or "nothing", seen or "nothing"
    detail = f"the tag pointed at {was} when the push was planned, and points at {is_now} now"
    return TagEnd(reference, End.MOVED, before, seen, detail)


def untouched(reference: Reference, before: Digest | None, error: Exception) -> TagEnd:
    """Return the end of a push that failed before the index was put."""
    refused = isinstance(error, Refused | NotFound | Denied | Rejected)
    end = End.REFUSED if refused else End.FAILED
    return TagEnd(reference, end, before, before, str(error))
