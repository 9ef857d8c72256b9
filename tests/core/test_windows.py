"""Windows of the week, over midnight and where clocks are changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mfl_lint.core.windows import Window, any_open, closes_at, is_open

ALL = tuple(range(7))
DAY = Window(ALL, 9 * 60, 17 * 60)
NIGHT = Window((4,), 22 * 60, 4 * 60 + 30)  # Friday into Saturday
BERLIN = Window(ALL, 2 * 60, 3 * 60, "Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("window", "now", "open_"),
    [
        (DAY, "2026-03-04T08:59:59", False),
        (DAY, "2026-03-04T09:00:00", True),
        (DAY, "2026-03-04T16:59:59", True),
        (DAY, "2026-03-04T17:00:00", False),
        (NIGHT, "2026-03-06T21:59:59", False),
        (NIGHT, "2026-03-06T22:00:00", True),
        (NIGHT, "2026-03-07T04:29:59", True),
        (NIGHT, "2026-03-07T04:30:00", False),
        (NIGHT, "2026-03-07T22:30:00", False),
        (NIGHT, "2026-03-06T01:00:00", False),
        (BERLIN, "2026-01-15T01:30:00", True),  # winter: UTC+1
        (BERLIN, "2026-07-15T00:30:00", True),  # summer: UTC+2
        (BERLIN, "2026-07-15T01:30:00", False),
        (BERLIN, "2026-03-29T01:30:00", False),  # the hour that is left out
        (BERLIN, "2026-10-25T00:30:00", True),  # the hour that comes twice
        (BERLIN, "2026-10-25T01:30:00", True),
    ],
)
def test_a_window_is_open_by_the_clock_on_the_wall(window: Window, now: str, open_: bool) -> None:
    assert open_ == is_open(window, at(now))


def test_a_day_that_ends_as_it_begins_is_whole() -> None:
    whole = Window((0,), 60, 60)
    assert is_open(whole, at("2026-03-02T01:00:00"))
    assert is_open(whole, at("2026-03-03T00:59:00"))
    assert not is_open(whole, at("2026-03-03T01:00:00"))


def test_the_end_is_that_of_all_windows_that_follow_one_another() -> None:
    later = Window((5,), 4 * 60 + 30, 6 * 60)
    now = at("2026-03-06T23:00:00")
    assert at("2026-03-07T04:30:00") == closes_at([NIGHT], now)
    assert at("2026-03-07T06:00:00") == closes_at([NIGHT, later], now)
    assert now == closes_at([DAY], now) == closes_at([], now)


def test_windows_that_never_end_have_no_end() -> None:
    assert None is closes_at([Window(ALL, 0, 0)], at("2026-03-06T23:00:00"))


def test_at_every_minute_of_a_year_the_end_is_outside_and_the_minute_before_inside() -> None:
    windows = [NIGHT, BERLIN, Window((6,), 23 * 60, 22 * 60, "America/New_York")]
    now = at("2026-01-01T00:00:00")
    while now.year == 2026:
        end = closes_at(windows, now)
        assert end is not None
        assert not any_open(windows, end)
        assert (end > now) == any_open(windows, now)
        if end > now:
            assert any_open(windows, end - timedelta(minutes=1)) or end == now
        now += timedelta(minutes=97)
