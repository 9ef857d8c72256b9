"""From what waits to messages: what cancels out, what is hidden, what is told together. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from mfl_lint.alert.routing import wants
from mfl_lint.alert.timing import allowed, quiet_until
from mfl_lint.config_alert import AlertConfig, RouteConfig
from mfl_lint.core.messages import Gathered, Handling, Later, Notice, Ready
from mfl_lint.core.news import Group, Kind, News

MOST_ITEMS: Final = 1000
# How soon what is silenced is looked at again: silences are ended early, too.
_SILENCED_AGAIN: Final = timedelta(minutes=5)
_OPPOSITE: Final = {
    Kind.OPENED: Kind.RESOLVED,
    Kind.RESOLVED: Kind.OPENED,
    Kind.UNKNOWN: Kind.RECOVERED,
    Kind.RECOVERED: Kind.UNKNOWN,
}
_STANDS: Final = (Kind.OPENED, Kind.WORSENED, Kind.STANDING, Kind.FLAPPING)
_ORDER: Final = tuple(Kind)


def net(news: Iterable[News]) -> list[News]:
    """Return what is left of news of the same things: the last word, nothing where it was undone.

    What opened and then got worse has opened.
    """
    first: dict[tuple[str, ...], News] = {}
    last: dict[tuple[str, ...], News] = {}
    for one in news:
        key: tuple[str, ...] = ("", one.registry, one.repository, one.tag)
        if one.fingerprint:
            key = (one.fingerprint,)
        if one.kind is Kind.INTRODUCED:
            key = (*key, one.kind)
        first.setdefault(key, one)
        last[key] = one
    left = []
    for key, end in last.items():
        begin = first[key]
        if _OPPOSITE.get(begin.kind) is end.kind:
            continue
        if begin.kind is Kind.OPENED and end.kind is Kind.WORSENED:
            end = msgspec.structs.replace(end, kind=Kind.OPENED)
        left.append(end)
    return left


def in_order(news: Iterable[News]) -> list[News]:
    """Return news by what happened, then the worst first, then by place."""
    return sorted(
        news, key=lambda one: (_ORDER.index(one.kind), one.severity.rank, one.place, one.id)
    )


def notice(
    route: RouteConfig,
    group: Group,
    news: Sequence[News],
    now: datetime,
    url: str,
    *,
    digest: bool = False,
) -> Notice:
    """Return the message about the news; the same news at the same time are the same message."""
    items = list(news) if digest else in_order(news)
    told = "\0".join([*msgspec.structs.astuple(group), now.isoformat(), *(one.id for one in items)])
    mark = hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    left_out = max(0, len(items) - MOST_ITEMS)
    return Notice(mark, route.name, group, now, tuple(items[:MOST_ITEMS]), left_out, digest, url)


def gathered(
    ready: Sequence[Ready],
    alerts: AlertConfig,
    handling: Handling,
    sent: Mapping[str, Sequence[datetime]],
    now: datetime,
    maintained: Callable[[str], datetime | None] = lambda registry: None,
) -> Gathered:
    """Return what is sent now of groups whose time has come. `sent`: each route's last hour.

    `maintained` says until when a registry is, None where it is not: nothing is sent of it.
    """
    notices: list[Notice] = []
    groups: list[Later] = []
    by_route: dict[str, list[Ready]] = {}
    for one in ready:
        by_route.setdefault(one.group.route, []).append(one)
    for name, ones in by_route.items():
        route = alerts.route_of(name)
        if route is None or route.digest.every:
            groups += [Later(one.id, told=True) for one in ones]
            continue
        until = {one.id: _maintained_until(one, maintained) for one in ones}
        groups += [_held(one, end) for one in ones if (end := until[one.id]) is not None]
        rest = [one for one in ones if until[one.id] is None]
        made = _of_route(route, rest, handling, sent.get(name, ()), now, alerts.url)
        notices += made.notices
        groups += made.groups
    return Gathered(tuple(notices), tuple(groups))


def _maintained_until(one: Ready, maintained: Callable[[str], datetime | None]) -> datetime | None:
    names = {item.registry for item in (*one.news, *one.standing)}
    return max((end for name in names if (end := maintained(name)) is not None), default=None)


def _of_route(
    route: RouteConfig,
    ready: Sequence[Ready],
    handling: Handling,
    sent: Sequence[datetime],
    now: datetime,
    url: str,
) -> Gathered:
    free, next_at = allowed(route.rate, sent, now)
    held = quiet_until(route.quiet, now) or (next_at if free == 0 else None)
    if held is not None:
        return Gathered(groups=tuple(_held(one, held) for one in ready))
    told = [(one, _shown(route, one, handling, now)) for one in ready]
    full = [(one.group, shown) for one, shown in told if shown]
    if free is not None and len(full) > free:
        rest = [news for _, shown in full[free - 1 :] for news in shown]
        full = [*full[: free - 1], (Group(route.name), rest)]
    notices = tuple(notice(route, group, news, now, url) for group, news in full)
    return Gathered(notices, tuple(_after(route, one, handling, now) for one in ready))


def _held(one: Ready, until: datetime) -> Later:
    """Return that a group's time comes later, with all that waits by then."""
    # One whose time had come may have more that waits than was read.
    due = until if one.news or not one.repeats else None
    return Later(one.id, False, due, until if one.repeats else None, not one.repeats)


def _shown(route: RouteConfig, one: Ready, handling: Handling, now: datetime) -> list[News]:
    """Return what is told of a group: its news, else what still stands."""
    news = [item for item in net(one.news) if not handling.hides(item, now)]
    said = {item.fingerprint for item in news}
    again = [
        item
        for item in one.standing
        if wants(route, item)
        and item.fingerprint not in said | handling.acknowledged
        and not handling.hides(item, now)
    ]
    return news + again


def _after(route: RouteConfig, one: Ready, handling: Handling, now: datetime) -> Later:
    """Return when a group is told again; what is silenced waits, and is looked at again soon."""
    later = _next(route, one, now)
    last = {item.fingerprint for item in net(one.news)}
    kept = frozenset(
        item.id
        for item in one.news
        if item.fingerprint in last and handling.silences_only(item, now)
    )
    if not kept:
        return later
    return msgspec.structs.replace(later, due=now + _SILENCED_AGAIN, kept=kept)


def _next(route: RouteConfig, one: Ready, now: datetime) -> Later:
    """Return when a group is told again: while something of it stands, hidden or not."""
    if not route.repeat_s:
        return Later(one.id, told=True)
    stands = one.standing or any(item.kind in _STANDS for item in one.news)
    if stands:
        return Later(one.id, True, repeat=now + timedelta(seconds=route.repeat_s))
    return Later(one.id, True, repeat_stays=not one.repeats)
