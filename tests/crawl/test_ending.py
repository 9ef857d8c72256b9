"""How a repository's crawl ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
import pytest

from mfl_lint.core.observation import VERIFIED, Look, LookState
from mfl_lint.core.records import Batch, RepositoryFinish, RepositoryState, TagState, TagWrite
from mfl_lint.crawl.ending import ending, states_after

NOW: Final = datetime(2026, 3, 1, tzinfo=UTC)
ABSENT: Final = Look(LookState.ABSENT, "404 NAME_UNKNOWN")


def ended(look: Look, *, missing_s: float | None = None, empty: bool = True) -> RepositoryFinish:
    since = None if missing_s is None else NOW - timedelta(seconds=missing_s)
    before = RepositoryState(1, "here", "app", missing_since=since)
    return ending(before, look, "mark", NOW, empty=empty, confirm_gone_s=600.0)


@pytest.mark.parametrize(
    ("missing_s", "empty", "gone"),
    [(None, True, False), (599.0, True, False), (600.0, True, True), (600.0, False, False)],
)
def test_a_repository_is_gone_when_its_404_was_confirmed_and_no_tag_stands(
    missing_s: float | None, empty: bool, gone: bool
) -> None:
    found = ended(ABSENT, missing_s=missing_s, empty=empty)
    assert NOW - timedelta(seconds=missing_s or 0) == found.missing_since
    assert (NOW if gone else None) == found.gone_at
    assert (LookState.ABSENT, "404 NAME_UNKNOWN", "mark") == (
        found.look,
        found.detail,
        found.siblings_hash,
    )


def test_a_repository_that_answers_is_missing_no_more() -> None:
    assert RepositoryFinish(LookState.VERIFIED, "", "mark") == ended(VERIFIED, missing_s=9999.0)


def test_the_states_after_a_batch_are_those_that_are_stored_then() -> None:
    old = TagState("v1", look=LookState.ABSENT, missing_since=NOW, watched=False, judged_hash="x")
    new = TagState("v2", look=LookState.VERIFIED)
    rest = TagState("v3")
    batch = Batch(crawl_id=1, at=NOW, tags=(TagWrite(new),), unchanged=("v1",))
    seen = msgspec.structs.replace(
        old,
        look=LookState.VERIFIED,
        looked_at=NOW,
        verified_at=NOW,
        missing_since=None,
        watched=True,
    )
    assert {"v1": seen, "v2": new, "v3": rest} == states_after(batch, {"v1": old, "v3": rest})
