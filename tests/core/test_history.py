from __future__ import annotations

from datetime import UTC, datetime, timedelta

from mfl_lint.core.digest import digest_of
from mfl_lint.core.history import Earlier, History

NOW = datetime(2026, 3, 2, tzinfo=UTC)
FIRST = Earlier(digest_of(b"a"), NOW - timedelta(days=2))
SECOND = Earlier(digest_of(b"b"), NOW - timedelta(days=1))


def test_each_stay_ended_when_the_next_was_seen() -> None:
    stays = list(History((SECOND, FIRST), since=NOW).stays())
    assert [(SECOND, NOW), (FIRST, SECOND.seen_at)] == stays


def test_without_a_past_there_are_no_stays() -> None:
    assert [] == list(History(since=NOW).stays())
