"""Open findings over days as the geometry of stacked bars; the template draws it as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Final

import msgspec

from mfl_lint.core.views import Counts, DayCounts

WIDTH: Final = 600
HEIGHT: Final = 160
_GAP: Final = 4
_KINDS: Final = ("error", "warning", "info", "unknown")
_WORDS: Final = {
    "error": ("error", "errors"),
    "warning": ("warning", "warnings"),
    "info": ("info", "info"),
    "unknown": ("unknown", "unknown"),
}


class Segment(msgspec.Struct, frozen=True):
    """One severity's part of a bar; `y` counts from the top."""

    kind: str
    y: float
    height: float


class Bar(msgspec.Struct, frozen=True):
    """One day. `label` is what is read of it."""

    day: str
    x: float
    width: float
    segments: tuple[Segment, ...]
    label: str


class Chart(msgspec.Struct, frozen=True):
    """A chart in a box of WIDTH by HEIGHT. `top` is the value at its upper edge."""

    bars: tuple[Bar, ...]
    top: int
    summary: str
    width: int = WIDTH
    height: int = HEIGHT


def chart(days: Sequence[DayCounts], span: int = 30) -> Chart:
    """Return the chart of the last `span` days; days before the first one known stay empty."""
    known = days[-span:]
    top = nice_top(max((_total(day.counts) for day in known), default=0))
    step = WIDTH / span
    start = span - len(known)
    bars = tuple(_bar(day, (start + at) * step, step, top) for at, day in enumerate(known))
    return Chart(bars, top, _summary(known))


def nice_top(value: int) -> int:
    """Return the first of 4, 6, 8, 10, 20, 40, 60 … that is not below `value`: all are even."""
    return next(
        top
        for power in count()
        for top in (int(f"{lead}{'0' * power}") for lead in (4, 6, 8, 10, 20))
        if top >= value
    )


def _bar(day: DayCounts, x: float, step: float, top: int) -> Bar:
    segments, below = [], float(HEIGHT)
    for kind in _KINDS:
        height = getattr(day.counts, kind) * HEIGHT / top
        below -= height
        if height:
            segments.append(Segment(kind, round(below, 2), round(height, 2)))
    width = round(step - _GAP, 2)
    return Bar(day.day, round(x + _GAP / 2, 2), width, tuple(segments), _label(day))


def _label(day: DayCounts) -> str:
    counts = day.counts
    parts = [
        f"{getattr(counts, kind)} {words[getattr(counts, kind) != 1]}"
        for kind, words in _WORDS.items()
        if getattr(counts, kind)
    ]
    return f"{day.day}: {', '.join(parts) or 'nothing open'}"


def _summary(days: Sequence[DayCounts]) -> str:
    if not days:
        return "Nothing has been counted yet."
    first, last = days[0], days[-1]
    before, after = _total(first.counts), _total(last.counts)
    if len(days) == 1:
        return f"{after} open on {last.day}, the first day counted."
    if before == after:
        return f"{after} open on {last.day}, as many as on {first.day}."
    word = "up" if after > before else "down"
    return f"{after} open on {last.day}, {word} from {before} on {first.day}."


def _total(counts: Counts) -> int:
    return counts.error + counts.warning + counts.info + counts.unknown
