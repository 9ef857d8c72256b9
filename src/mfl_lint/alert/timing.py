"""When something may be sent: quiet hours, so many an hour, reports, and tries again. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from mfl_lint.config_alert import DigestConfig, QuietConfig, RouteConfig

_HOUR: Final = timedelta(hours=1)
_FIRST_PAUSE_S: Final = 2.0
_LONGEST_PAUSE_S: Final = 900.0
_MOST_DOUBLINGS: Final = 20
# What a receiver may ask for at most.
_PATIENCE_S: Final = 3600.0


def quiet_until(quiet: QuietConfig, now: datetime) -> datetime | None:
    """Return when the quiet hours in which `now` is end, None where it is in none.

    What the clocks of the zone show counts, also when they are put forward or back.
    """
    if not quiet.start or not quiet.end:
        return None
    zone = ZoneInfo(quiet.zone)
    here = now.astimezone(zone)
    start, end = time.fromisoformat(quiet.start), time.fromisoformat(quiet.end)
    clock = here.time().replace(tzinfo=None)
    over_midnight = start > end
    inside = clock >= start or clock < end if over_midnight else start <= clock < end
    if not inside:
        return None
    day = here.date() + timedelta(days=1 if over_midnight and clock >= start else 0)
    return max(datetime.combine(day, end, zone).astimezone(UTC), now + timedelta(seconds=1))


def lasting_s(route: RouteConfig, now: datetime) -> float:
    """Return how long it may take until what is told now is said again, 0 for never.

    What comes in quiet hours comes when they end.
    """
    if not route.repeat_s:
        return 0.0
    again = now + timedelta(seconds=route.repeat_s)
    return ((quiet_until(route.quiet, again) or again) - now).total_seconds()


def allowed(rate: int, sent: Sequence[datetime], now: datetime) -> tuple[int | None, datetime]:
    """Return how many messages may be sent now (None = any number), and when the next may be."""
    if not rate:
        return None, now
    recent = sorted(at for at in sent if at > now - _HOUR)
    free = rate - len(recent)
    return max(0, free), now if free > 0 else recent[len(recent) - rate] + _HOUR


def report_due(digest: DigestConfig, now: datetime) -> datetime:
    """Return when the newest report was due: at or before `now`."""
    zone = ZoneInfo(digest.zone)
    here = now.astimezone(zone)
    back = (here.isoweekday() - digest.day) % 7 if digest.every == "weekly" else 0
    step = timedelta(days=7 if digest.every == "weekly" else 1)
    day = here.date() - timedelta(days=back)
    due = datetime.combine(day, time.fromisoformat(digest.at), zone)
    if due.astimezone(UTC) > now:
        due = datetime.combine(day - step, time.fromisoformat(digest.at), zone)
    return due.astimezone(UTC)


def pause_s(attempts: int, asked_s: float | None, chance: Random) -> float:
    """Return how long to wait after so many tries: by chance up to a bound that doubles.

    A receiver that asks for patience gets it, an hour at most, and a little more by chance.
    """
    bound = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(attempts, _MOST_DOUBLINGS))
    jitter = chance.uniform(0, bound)
    if asked_s is None:
        return jitter
    return min(max(asked_s, 0.0), _PATIENCE_S) + min(jitter, 10.0)
