"""When something may be sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from mfl_lint.alert.timing import allowed, lasting_s, pause_s, quiet_until, report_due
from mfl_lint.config_alert import DigestConfig, QuietConfig
from tests.alert.stories import NOW, route

BERLIN = "Europe/Berlin"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "zone", "now", "expected"),
    [
        ("22:00", "07:00", "UTC", "2026-03-02T21:59", None),
        ("22:00", "07:00", "UTC", "2026-03-02T22:00", "2026-03-03T07:00"),
        ("22:00", "07:00", "UTC", "2026-03-03T06:59", "2026-03-03T07:00"),
        ("22:00", "07:00", "UTC", "2026-03-03T07:00", None),
        ("12:00", "13:00", "UTC", "2026-03-02T12:30", "2026-03-02T13:00"),
        ("12:00", "13:00", "UTC", "2026-03-02T13:00", None),
        ("22:00", "07:00", BERLIN, "2026-03-02T21:00", "2026-03-03T06:00"),
        ("22:00", "07:00", BERLIN, "2026-07-02T20:00", "2026-07-03T05:00"),
        # The clocks are put forward in this night: it is an hour shorter.
        ("22:00", "07:00", BERLIN, "2026-03-28T21:30", "2026-03-29T05:00"),
        ("22:00", "07:00", BERLIN, "2026-10-24T20:30", "2026-10-25T06:00"),
        ("", "", "UTC", "2026-03-02T23:00", None),
    ],
)
def test_quiet_hours_end_by_the_clocks_of_their_zone(
    start: str, end: str, zone: str, now: str, expected: str | None
) -> None:
    assert (at(expected) if expected else None) == quiet_until(
        QuietConfig(start, end, zone), at(now)
    )


@pytest.mark.parametrize(
    ("repeat_s", "now", "lasts_s"),
    [
        (0.0, "2026-03-02T23:00", 0.0),
        (3600.0, "2026-03-02T20:00", 3600.0),
        (3600.0, "2026-03-02T21:30", 9.5 * 3600.0),
    ],
)
def test_what_would_be_said_again_in_quiet_hours_lasts_until_they_end(
    repeat_s: float, now: str, lasts_s: float
) -> None:
    quiet = route(repeat_s=repeat_s, quiet=QuietConfig("22:00", "07:00"))
    assert lasts_s == lasting_s(quiet, at(now))


@pytest.mark.parametrize(
    ("every", "zone", "day", "now", "expected"),
    [
        ("daily", "UTC", 1, "2026-03-04T08:00", "2026-03-04T08:00"),
        ("daily", "UTC", 1, "2026-03-04T07:59", "2026-03-03T08:00"),
        ("daily", BERLIN, 1, "2026-03-04T07:00", "2026-03-04T07:00"),
        ("daily", BERLIN, 1, "2026-03-29T06:00", "2026-03-29T06:00"),
        ("weekly", "UTC", 1, "2026-03-04T12:00", "2026-03-02T08:00"),
        ("weekly", "UTC", 3, "2026-03-04T12:00", "2026-03-04T08:00"),
        ("weekly", "UTC", 3, "2026-03-04T07:00", "2026-02-25T08:00"),
        ("weekly", "UTC", 7, "2026-03-04T12:00", "2026-03-01T08:00"),
    ],
)
def test_a_report_is_due_at_its_time_of_its_day(
    every: str, zone: str, day: int, now: str, expected: str
) -> None:
    digest = DigestConfig(every=every, zone=zone, day=day)  # type: ignore[arg-type]  # a table
    assert at(expected) == report_due(digest, at(now))


def test_so_many_messages_an_hour_may_be_sent() -> None:
    sent = [NOW - timedelta(minutes=minutes) for minutes in (70, 50, 30, 10)]
    assert (None, NOW) == allowed(0, sent, NOW)
    assert (2, NOW) == allowed(5, sent, NOW)
    assert (0, NOW + timedelta(minutes=10)) == allowed(3, sent, NOW)
    assert (0, NOW + timedelta(minutes=30)) == allowed(2, sent, NOW)


def test_pauses_grow_to_a_bound_and_are_never_the_same_for_all() -> None:
    chance = Random(1)
    for tries, bound in ((1, 4), (2, 8), (5, 64), (10, 900), (10_000, 900)):
        pauses = [pause_s(tries, None, chance) for _ in range(200)]
        assert 0 <= min(pauses) < bound / 4
        assert bound / 2 < max(pauses) <= bound


@pytest.mark.parametrize(("asked", "least"), [(30.0, 30), (1e12, 3600), (-5.0, 0)])
def test_a_receiver_that_asks_for_patience_gets_it_for_an_hour_at_most(
    asked: float, least: float
) -> None:
    assert least <= pause_s(3, asked, Random(1)) <= least + 10
