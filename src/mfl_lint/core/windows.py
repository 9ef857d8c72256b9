"""Times of the week, by the clock on the wall of some place. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)
# Windows that follow one another for longer than a week have no end.
_LONGEST: Final = timedelta(days=8)


class Window(msgspec.Struct, frozen=True):
    """A part of the days on which it begins (0 is Monday), in minutes since midnight.

    One that ends no later than it begins ends on the next day. `zone` is a time zone's IANA name.
    """

    days: tuple[int, ...]
    begins: int
    ends: int
    zone: str = "UTC"


def is_open(window: Window, now: datetime) -> bool:
    """Say whether an aware time is in the window."""
    return _ends_at(window, now) is not None


def any_open(windows: Iterable[Window], now: datetime) -> bool:
    """Say whether an aware time is in one of the windows."""
    return any(is_open(window, now) for window in windows)


def closes_at(windows: Iterable[Window], now: datetime) -> datetime | None:
    """Return when none of the windows is open any more, `now` where none is; None for never."""
    windows = tuple(windows)
    at = now
    while at - now < _LONGEST:
        ends = [end for window in windows if (end := _ends_at(window, at)) is not None]
        if not ends:
            return at
        at = max(*ends, at + _MINUTE)
    return None


def _ends_at(window: Window, now: datetime) -> datetime | None:
    """Return when the window that `now` is in ends, UTC; None where it is in none."""
    zone = ZoneInfo(window.zone)
    local = now.astimezone(zone)
    minute, today = local.hour * 60 + local.minute, local.weekday()
    over_night = window.ends <= window.begins
    if over_night and (today - 1) % 7 in window.days and minute < window.ends:
        date = local.date()
    elif today in window.days and minute >= window.begins and (over_night or minute < window.ends):
        date = local.date() + (_DAY if over_night else timedelta())
    else:
        return None
    hours, minutes = divmod(window.ends, 60)
    return datetime.combine(date, time(hours, minutes), zone).astimezone(UTC)
