"""The geometry of the chart of open findings."""

from __future__ import annotations

import pytest

from mfl_lint.core.views import Counts, DayCounts
from mfl_lint.web.chart import HEIGHT, WIDTH, Bar, Segment, chart, nice_top


@pytest.mark.parametrize(
    ("value", "top"), [(0, 4), (4, 4), (5, 6), (7, 8), (11, 20), (21, 40), (99, 100), (101, 200)]
)
def test_the_axis_ends_at_a_round_number(value: int, top: int) -> None:
    assert top == nice_top(value)


def test_bars_stack_the_worst_at_the_bottom_and_end_today() -> None:
    days = (DayCounts("2026-03-01", Counts(error=1)), DayCounts("2026-03-02", Counts(1, 2, 0, 1)))
    drawn = chart(days, span=30)

    assert 4 == drawn.top
    assert "4 open on 2026-03-02, up from 1 on 2026-03-01." == drawn.summary
    expected = Bar(
        day="2026-03-02",
        x=582.0,
        width=16.0,
        segments=(
            Segment("error", 120.0, 40.0),
            Segment("warning", 40.0, 80.0),
            Segment("unknown", 0.0, 40.0),
        ),
        label="2026-03-02: 1 error, 2 warnings, 1 unknown",
    )
    assert expected == drawn.bars[-1]


def test_everything_stays_within_the_box() -> None:
    days = tuple(DayCounts(f"2026-01-{n:02}", Counts(n * 7, n, n, n)) for n in range(1, 32))
    drawn = chart(days)

    assert 30 == len(drawn.bars)
    assert all(0 <= bar.x and bar.x + bar.width <= WIDTH for bar in drawn.bars)
    parts = [part for bar in drawn.bars for part in bar.segments]
    assert all(part.y >= 0 and part.y + part.height <= HEIGHT + 0.02 for part in parts)


def test_without_a_day_there_is_a_sentence() -> None:
    assert ((), "Nothing has been counted yet.") == (chart(()).bars, chart(()).summary)
