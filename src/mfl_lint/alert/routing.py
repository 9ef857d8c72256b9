"""Which news go where: what is known, and the settings, in; what waits for its group out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from mfl_lint.config_alert import AlertConfig, RouteConfig
from mfl_lint.core.news import GRACE, Group, Kind, Mark, News, Routed, Situation, Waiting
from mfl_lint.core.policy import Severity, any_glob

# News that nobody sent for so long are none any more.
STALE: Final = timedelta(days=7)
_CHANGES: Final = (Kind.OPENED, Kind.RESOLVED)
_MOST_REMEMBERED: Final = 20
# Marks of a route and a registry; that of a report says when it was due.
_PLACES: Final = ("dark", "new")
_LONGEST_DIGEST: Final = timedelta(days=7)
# A registry can be seen again when no more than this share of what was unknown still is.
_BACK: Final = 10
MarkKey = tuple[str, str, str, str, str]


def wants(route: RouteConfig, news: News) -> bool:
    """Say whether the news concern a route, whatever kind they are."""
    return (
        any_glob(route.registries, news.registry)
        and (not news.repository or any_glob(route.repositories, news.repository))
        and (not news.tag or any_glob(route.tags, news.tag))
        and (not route.rules or not news.rule or news.rule in route.rules)
        and news.severity.rank <= Severity(route.severity).rank
    )


def group_of(route: RouteConfig, news: News) -> Group:
    """Return what the news are told together with."""
    if route.group_by == "rule" and news.rule:
        return Group(route.name, rule=news.rule)
    repository = news.repository if route.group_by == "repository" else ""
    return Group(route.name, news.registry, repository)


def tells(alerts: AlertConfig) -> bool:
    """Say whether anybody is told of anything but in reports."""
    return any(not route.digest.every for route in alerts.route)


def announced(alerts: AlertConfig, registries: Iterable[str]) -> frozenset[str]:
    """Return those of the registries of which news are sent at all."""
    routes = [route for route in alerts.route if not route.digest.every]
    return frozenset(
        name for name in registries if any(any_glob(one.registries, name) for one in routes)
    )


def routed(situation: Situation, alerts: AlertConfig, now: datetime) -> Routed:
    """Return what becomes of news, in the order in which they happened."""
    turn = _Turn(situation, alerts, now)
    for news in situation.news:
        turn.take(news)
    return turn.result()


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
        yield _waiting(named, _of_registry(mark, Kind.RECOVERED, text, now, left or 1), now)
    elif named is not None and mark.kind == "new":
        counts = standing.get(mark.registry, {})
        found = ", ".join(f"{counts.get(one, 0)} {one}" for one in Severity)
        text = f"was looked at for the first time; open: {found}"
        worst = next((one for one in Severity if counts.get(one)), Severity.INFO)
        news = _of_registry(mark, Kind.INTRODUCED, text, now, sum(counts.values()), worst)
        yield _waiting(named, news, now)


def _calm(mark: Mark, alerts: AlertConfig, now: datetime) -> Iterator[Waiting]:
    """Yield that a tag flaps no more, and how it is, for each route that was told that it does."""
    for route in alerts.route:
        flapped = [news for news in mark.last if wants(route, news)]
        if flapped and Kind.RECOVERED in route.states and not route.digest.every:
            yield _waiting(route, _calmed(flapped, now), now)


def _calmed(flapped: Sequence[News], now: datetime) -> News:
    broken = sum(news.kind is not Kind.RESOLVED for news in flapped)
    state = f"{broken} of its findings are open" if broken else "nothing is open of what flapped"
    return msgspec.structs.replace(
        flapped[-1],
        id=f"calm/{flapped[-1].id}",
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


def _waiting(route: RouteConfig, news: News, now: datetime) -> Waiting:
    return Waiting(group_of(route, news), news, now + timedelta(seconds=route.wait_s))


class _Turn:
    """One routing of news: what it remembers of those before."""

    def __init__(self, situation: Situation, alerts: AlertConfig, now: datetime) -> None:
        self._situation = situation
        self._alerts = alerts
        self._now = now
        self._marks: dict[MarkKey, Mark] = {}
        self._waiting: list[Waiting] = []

    def result(self) -> Routed:
        """Return what came of all news."""
        return Routed(tuple(self._waiting), tuple(self._marks.values()))

    def take(self, news: News) -> None:
        """Route one piece of news."""
        routes = [
            route for route in self._alerts.route if not route.digest.every and wants(route, news)
        ]
        if not routes or self._now - news.at > STALE:
            return
        first = self._situation.introduced.get(news.registry)
        if first is None or news.at <= first:
            for route in routes:
                self._note(Mark("new", route.name, news.registry, since=self._now))
        elif news.kind is Kind.UNKNOWN:
            self._dark(news, routes)
        elif news.kind is not Kind.RECOVERED and not self._flaps(news, routes):
            self._wait(news, routes)

    def _wait(self, news: News, routes: Iterable[RouteConfig]) -> None:
        for route in routes:
            if news.kind in route.states:
                self._waiting.append(_waiting(route, news, self._now))

    def _mark(self, key: MarkKey) -> Mark | None:
        return self._marks.get(key) or self._situation.marks.get(key)

    def _note(self, mark: Mark) -> bool:
        """Set the mark unless it is set; say whether it is new."""
        if self._mark(mark.key) is not None:
            return False
        self._marks[mark.key] = mark
        return True

    def _dark(self, news: News, routes: Iterable[RouteConfig]) -> None:
        """Tell each route once that findings of a registry cannot be seen any more."""
        for route in routes:
            mark = Mark("dark", route.name, news.registry, since=self._now, number=1)
            if Kind.UNKNOWN in route.states and self._note(mark):
                told = News(
                    id=f"unknown/{news.registry}/{news.id}",
                    kind=Kind.UNKNOWN,
                    at=news.at,
                    registry=news.registry,
                    severity=news.severity,
                    message="could not be looked at for several rounds",
                )
                self._wait(told, [route])

    def _flaps(self, news: News, routes: Sequence[RouteConfig]) -> bool:
        """Say whether the news are of a tag that flaps; where it just began to, tell that."""
        held = self._mark(("flapping", "", news.registry, news.repository, news.tag))
        before = held.last if held is not None else ()
        # Another finding of the tag is told as ever, until it changes too often itself.
        known = any(one.fingerprint == news.fingerprint for one in before)
        if not known and not self._begins(news):
            return False
        mark = held or Mark(
            "flapping", "", news.registry, news.repository, news.tag, since=self._now
        )
        others = [one for one in mark.last if one.fingerprint != news.fingerprint]
        last = (*others, news)[-_MOST_REMEMBERED:]
        mark = msgspec.structs.replace(mark, at=news.at, last=last)
        self._marks[mark.key] = mark
        untold = [route for route in routes if not any(wants(route, one) for one in before)]
        if untold:
            hours = self._alerts.flapping_s / 3600
            told = msgspec.structs.replace(
                news,
                id=f"flapping/{news.id}",
                kind=Kind.FLAPPING,
                message=f"breaks and is mended again and again ({self._alerts.flapping_changes} "
                f"changes in {hours:g} hours): nothing more is said until it is calm",
                fix="",
                fingerprint="",
                platform="",
            )
            self._wait(told, untold)
        return True

    def _begins(self, news: News) -> bool:
        """Say whether a finding changed too often by now."""
        if news.kind not in _CHANGES:
            return False
        begin = news.at - timedelta(seconds=self._alerts.flapping_s)
        changes = self._situation.changes.get(news.fingerprint, ())
        return sum(begin < at <= news.at for at in changes) >= self._alerts.flapping_changes
