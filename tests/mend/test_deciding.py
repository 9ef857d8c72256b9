"""What became of a tag: what is seen of it goes before what was answered."""

from __future__ import annotations

import pytest

from mfl_lint.core.digest import Digest
from mfl_lint.core.errors import (
    Denied,
    Overtaken,
    RateLimited,
    RegistryError,
    Rejected,
    Unanswered,
    Unreachable,
)
from mfl_lint.mend.deciding import end_of
from mfl_lint.mend.outcome import End

OURS, OLD, OTHER = (Digest(f"sha256:{digit * 64}") for digit in "123")


@pytest.mark.parametrize(
    ("seen", "claimed", "failure", "expected"),
    [
        (OURS, OURS, None, End.PUSHED),
        (OURS, None, Unanswered("cut"), End.PUSHED),
        (OURS, None, Denied("no"), End.PUSHED),
        (OTHER, OTHER, None, End.REWRITTEN),
        (OTHER, None, Overtaken("412"), End.MOVED),
        (OLD, None, Overtaken("412"), End.REFUSED),
        (OLD, None, Rejected("400"), End.REFUSED),
        (OTHER, None, Denied("no"), End.REFUSED),
        (OLD, None, RateLimited("429"), End.REFUSED),
        (OLD, None, Unanswered("cut"), End.UNKNOWN),
        (OTHER, None, Unanswered("cut"), End.UNKNOWN),
        (None, None, Unanswered("cut"), End.UNKNOWN),
        (OLD, OURS, None, End.FAILED),
        (OLD, None, Unreachable("refused"), End.FAILED),
        (OTHER, OURS, None, End.OVERTAKEN),
        (None, None, Unreachable("refused"), End.OVERTAKEN),
    ],
)
def test_what_is_seen_decides_and_then_what_was_answered(
    seen: Digest | None, claimed: Digest | None, failure: RegistryError | None, expected: End
) -> None:
    assert expected == end_of(OURS, OLD, seen, claimed, failure)
