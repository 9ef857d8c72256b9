"""What follows from the passing of time: who is back, calm, or known by now. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from mfl_lint.alert.netting import net
from mfl_lint.alert.routing import as_waiting, tells, wants
from mfl_lint.config_alert import AlertConfig
from mfl_lint.core.news import GRACE, Kind, Mark, News, Routed, Waiting
from mfl_lint.core.policy import Severity

# Marks of a route and a registry; that of a report says when it was due.
_PLACES: Final = ("dark", "new")
_LONGEST_DIGEST: Final = timedelta(days=7)
# A registry can be seen again when no more than this share of what was unknown still is.
_BACK: Final = 10


def settled(
    marks: Iterable[Mark],
    unknown: Mapping[str, int],
    standing: Mapping[str, Mapping[Severity, int]],
    introduced: Mapping[str, datetime | None],
    alerts: AlertConfig,
    now: datetime,
    *,
    gives_up: bool = True,
) -> Routed:
    """Return what follows from the passing of time: who is back, calm, or known by now.

    `unknown` and `standing` count each registry's findings now. Call it when no news wait. Marks
    of routes that are unknown here are left alone, or given up after a time.
    """
    waiting: list[Waiting] = []
    kept: list[Mark] = []
    gone: list[Mark] = []
    for mark in marks:
        if mark.route and alerts.route_of(mark.route) is None:
            if gives_up and (mark.at is None or _is_lost(mark, now)):
                (kept if mark.at is None else gone).append(_since(mark, mark.at or now))
            continue
        told = list(_told(mark, unknown, standing, alerts, now))
        if _is_over(mark, unknown, introduced, alerts, now):
            gone.append(mark)
            waiting += told
        elif mark.kind == "dark" and unknown.get(mark.registry, 0) > mark.number:
            kept.append(msgspec.structs.replace(mark, number=unknown[mark.registry], at=None))
        elif mark.kind in _PLACES and mark.at is not None:
            kept.append(_since(mark, None))
    return Routed(tuple(waiting), tuple(kept), tuple(gone))


def _since(mark: Mark, at: datetime | None) -> Mark:
    return msgspec.structs.replace(mark, at=at)


def _is_lost(mark: Mark, now: datetime) -> bool:
    """Say whether nobody knew the route of a mark for so long that it is given up."""
    lasts = GRACE if mark.kind in _PLACES else GRACE + _LONGEST_DIGEST
    return mark.at is not None and now - mark.at >= lasts


def _is_over(
    mark: Mark,
    unknown: Mapping[str, int],
    introduced: Mapping[str, datetime | None],
    alerts: AlertConfig,
    now: datetime,
) -> bool:
    if mark.kind == "dark":
        return unknown.get(mark.registry, 0) <= mark.number // _BACK
    if mark.kind == "flapping":
        # Who tells nobody leaves it to those who do.
        lasts = timedelta(seconds=alerts.flapping_s) + (timedelta() if tells(alerts) else GRACE)
        return mark.at is None or now - mark.at >= lasts
    return mark.kind == "new" and introduced.get(mark.registry) is not None


def _told(
    mark: Mark,
    unknown: Mapping[str, int],
    standing: Mapping[str, Mapping[Severity, int]],
    alerts: AlertConfig,
    now: datetime,
) -> Iterator[Waiting]:
    """Yield what is told when the mark is over."""
    named = alerts.route_of(mark.route)
    if mark.kind == "flapping":
        yield from _calm(mark, alerts, now)
    elif named is not None and mark.kind == "dark" and Kind.RECOVERED in named.states:
        left = unknown.get(mark.registry, 0)
        but = f", but for {left} findings that are still unknown" if left else ""
        text = f"can be looked at again{but}"
        yield as_waiting(named, _of_registry(mark, Kind.RECOVERED, text, now, left or 1), now)
    elif named is not None and mark.kind == "new":
        counts = standing.get(mark.registry, {})
        found = ", ".join(f"{counts.get(one, 0)} {one}" for one in Severity)
        text = f"was looked at for the first time; open: {found}"
        worst = next((one for one in Severity if counts.get(one)), Severity.INFO)
        news = _of_registry(mark, Kind.INTRODUCED, text, now, sum(counts.values()), worst)
        yield as_waiting(named, news, now)


def _calm(mark: Mark, alerts: AlertConfig, now: datetime) -> Iterator[Waiting]:
    """Yield that a tag flaps no more, and what each route was not told of it meanwhile."""
    for route in alerts.route:
        flapped = [news for news in mark.last if wants(route, news)]
        if not flapped or route.digest.every:
            continue
        last = [_as_it_is(one) for one in {one.fingerprint: one for one in flapped}.values()]
        if Kind.RECOVERED in route.states:
            yield as_waiting(route, _calmed(last, now), now)
            last = net(flapped)
        elif Kind.FLAPPING not in route.states:
            last = net(flapped)
        for news in last:
            if news.kind in (*route.states, Kind.EASED):
                told = msgspec.structs.replace(news, id=f"calm/{news.id}", at=now)
                yield as_waiting(route, told, now)


def _as_it_is(news: News) -> News:
    """Return the last news of a finding as told to whoever was told nothing before."""
    mended = news.kind is Kind.RESOLVED
    return news if mended else msgspec.structs.replace(news, kind=Kind.OPENED)


def _calmed(last: Sequence[News], now: datetime) -> News:
    broken = sum(news.kind is not Kind.RESOLVED for news in last)
    are = "is" if broken == 1 else "are"
    state = f"{broken} of its findings {are} open" if broken else "nothing is open of what flapped"
    return msgspec.structs.replace(
        last[-1],
        id=f"calm/tag/{last[-1].id}",
        kind=Kind.RECOVERED,
        at=now,
        message=f"no longer flaps: {state}",
        fix="",
        fingerprint="",
        platform="",
    )


def _of_registry(
    mark: Mark,
    kind: Kind,
    text: str,
    now: datetime,
    count: int,
    severity: Severity = Severity.WARNING,
) -> News:
    since = mark.since.isoformat() if mark.since else ""
    return News(
        id=f"{kind}/{mark.registry}/{since}",
        kind=kind,
        at=now,
        registry=mark.registry,
        severity=severity,
        message=text,
        since=mark.since,
        count=count,
    )
