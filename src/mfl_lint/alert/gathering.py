"""From what waits to messages: what cancels out, what is hidden, what is told together. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from itertools import chain
from typing import Final, NamedTuple

import msgspec

from mfl_lint.alert.netting import net
from mfl_lint.alert.routing import wants
from mfl_lint.alert.telling import in_order, notice
from mfl_lint.alert.timing import allowed, quiet_until
from mfl_lint.config_alert import AlertConfig, RouteConfig
from mfl_lint.core.messages import Gathered, Handling, Later, Notice, Ready
from mfl_lint.core.news import Group, Kind, News, Stream

Maintained = Callable[[str], datetime | None]
# How soon groups are looked at again of which no message could be made.
_AGAIN: Final = timedelta(minutes=5)
_STANDS: Final = (Kind.OPENED, Kind.WORSENED, Kind.STANDING, Kind.FLAPPING)


def gathered(
    ready: Sequence[Ready],
    alerts: AlertConfig,
    handling: Handling,
    sent: Mapping[str, Sequence[datetime]],
    now: datetime,
    maintained: Maintained = lambda registry: None,
) -> Gathered:
    """Return what is sent now of groups whose time has come. `sent`: each route's last hour.

    `maintained` says until when a registry is, None where it is not: nothing is sent of it.
    """
    notices: list[Notice] = []
    groups: list[Later] = []
    whole: dict[str, Iterable[News]] = {}
    until = cache(maintained)
    for name in dict.fromkeys(one.group.route for one in ready):
        route, ones = alerts.route_of(name), [one for one in ready if one.group.route == name]
        if route is None or route.digest.every:
            groups += [Later(one.id, told=True) for one in ones]
            continue
        ends = {one.id: until(one.group.registry) for one in ones if one.group.registry}
        groups += [_held(one, end, lasts=True) for one in ones if (end := ends.get(one.id))]
        rest = [_parted(one, until) for one in ones if ends.get(one.id) is None]
        made = _of_route(route, rest, handling, sent.get(name, ()), now, alerts.url)
        notices += made.notices
        groups += made.groups
        whole |= made.whole
    return Gathered(tuple(notices), tuple(groups), whole)


class _Parted(NamedTuple):
    """A group, what of it is told now, and the ids of what waits until the first may be told."""

    one: Ready
    now: Ready
    kept: frozenset[str]
    until: datetime | None


def _parted(one: Ready, maintained: Maintained) -> _Parted:
    """Return a group without the news of registries that are maintained, which wait."""
    ends = [(item, maintained(item.registry)) for item in one.news]
    free = msgspec.structs.replace(
        one,
        news=tuple(item for item, end in ends if end is None),
        standing=Stream(
            lambda: (item for item in one.standing if maintained(item.registry) is None)
        ),
    )
    kept = frozenset(item.id for item, end in ends if end is not None)
    until = min((end for _, end in ends if end is not None), default=None)
    return _Parted(one, free, kept, until)


def _of_route(
    route: RouteConfig,
    ready: Sequence[_Parted],
    handling: Handling,
    sent: Sequence[datetime],
    now: datetime,
    url: str,
) -> Gathered:
    free, next_at = allowed(route.rate, sent, now)
    quiet = quiet_until(route.quiet, now)
    held = quiet or (next_at if free == 0 else None)
    if held is not None:
        lasts = quiet is not None
        return Gathered(groups=tuple(_held(each.one, held, lasts=lasts) for each in ready))
    told = [(each.one.group, _shown(route, each.now, handling, now)) for each in ready]
    full = [(group, shown) for group, shown in told if shown]
    if free is not None and len(full) > free:
        rest = [shown for _, shown in full[free - 1 :]]
        merged = Stream(lambda: chain.from_iterable(rest))
        full = [*full[: free - 1], (Group(route.name), merged)]
    made = [(notice(route, group, shown, now, url), shown) for group, shown in full]
    return Gathered(
        tuple(one for one, _ in made),
        tuple(_after(route, each, handling, now) for each in ready),
        {one.id: shown for one, shown in made if one.left_out},
    )


def put_off(ready: Iterable[Ready], now: datetime) -> Gathered:
    """Return that groups of which no message can be made now are looked at again soon."""
    return Gathered(groups=tuple(_held(one, now + _AGAIN) for one in ready))


def _held(one: Ready, until: datetime, *, lasts: bool = False) -> Later:
    """Return that a group's time comes later, with all that waits by then."""
    # One whose time had come may have more that waits than was read.
    due = until if one.news or not one.repeats else None
    again = until if one.repeats else None
    return Later(one.id, False, due, again, repeat_stays=not one.repeats, lasts=lasts)


def _shown(route: RouteConfig, one: Ready, handling: Handling, now: datetime) -> Stream:
    """Return what is told of a group: its news, then what still stands beside them."""
    news = in_order(item for item in net(one.news) if not handling.hides(item, now))
    said = handling.acknowledged.union(handling.flapping, (item.fingerprint for item in news))
    again = _repeats(route, one.group) and _again(route, one, now) <= now
    standing = one.standing if again else ()

    def told() -> Iterator[News]:
        yield from news
        for item in standing:
            if (
                wants(route, item)
                and item.fingerprint not in said
                and not handling.hides(item, now)
            ):
                yield item

    return Stream(told)


def _repeats(route: RouteConfig, group: Group) -> bool:
    """Say whether what stands in a group is said again: none of before `group_by` was another."""
    kinds = {
        "rule": bool(group.rule),
        "repository": bool(group.repository),
        "registry": not group.rule and not group.repository,
    }
    return bool(route.repeat_s) and kinds[route.group_by]


def _again(route: RouteConfig, one: Ready, now: datetime) -> datetime:
    """Return when it is time to say again what stands in a group: that of the oldest."""
    oldest = next((item for item in one.standing if wants(route, item)), None)
    if oldest is None:
        return now
    return (oldest.since or oldest.at) + timedelta(seconds=route.repeat_s)


def _after(route: RouteConfig, each: _Parted, handling: Handling, now: datetime) -> Later:
    """Return when a group is told again; what is silenced waits until it is not any more."""
    later = _next(route, each, now)
    last = {item.fingerprint for item in net(each.one.news)}
    ends = {
        item.id: end
        for item in each.now.news
        if item.fingerprint in last and (end := handling.silenced_until(item, now)) is not None
    }
    dues = [*ends.values(), *([] if each.until is None else [each.until])]
    if not dues:
        return later
    return msgspec.structs.replace(later, due=min(dues), kept=each.kept.union(ends))


def _next(route: RouteConfig, each: _Parted, now: datetime) -> Later:
    """Return when a group is told again: while something of it stands, hidden or not.

    News in between put that off for nothing that stood before.
    """
    one, lasts = each.one, timedelta(seconds=route.repeat_s)
    if not _repeats(route, one.group):
        return Later(one.id, told=True)
    begins = any(item.kind in _STANDS for item in one.news)
    if not one.repeats:
        return Later(one.id, True, repeat=now + lasts if begins else None, repeat_stays=True)
    if not begins and not one.standing:
        return Later(one.id, told=True)
    again = _again(route, each.now, now)
    return Later(one.id, True, repeat=again if again > now else now + lasts)
