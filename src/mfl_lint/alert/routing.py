"""Which news go where: what is known, and the settings, in; what waits for its group out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from mfl_lint.config_alert import AlertConfig, RouteConfig
from mfl_lint.core.news import Group, Kind, Mark, News, Routed, Situation, Waiting
from mfl_lint.core.policy import Severity, any_glob

# News that nobody sent for so long are none any more.
STALE: Final = timedelta(days=7)
_CHANGES: Final = (Kind.OPENED, Kind.RESOLVED)
# Of a tag that flaps: two of each finding.
_MOST_REMEMBERED: Final = 1000
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


def as_waiting(route: RouteConfig, news: News, now: datetime) -> Waiting:
    """Return news in their group, to be told when the route has gathered for long enough."""
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
            route
            for route in self._alerts.route
            if not route.digest.every and self._concerns(route, news)
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

    def _concerns(self, route: RouteConfig, news: News) -> bool:
        """Say whether a route is told; of what eased an Alertmanager is, however mild it is now."""
        if news.kind is not Kind.EASED:
            return wants(route, news)
        severe = msgspec.structs.replace(news, severity=Severity.ERROR)
        return wants(route, severe) and self._alerts.has_alertmanager(route)

    def _wait(self, news: News, routes: Iterable[RouteConfig]) -> None:
        for route in routes:
            if news.kind in (*route.states, Kind.EASED):
                self._waiting.append(as_waiting(route, news, self._now))

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
        first = [one for one in mark.last if one.fingerprint == news.fingerprint][:1]
        last = (*others, *first, news)[-_MOST_REMEMBERED:]
        mark = msgspec.structs.replace(mark, at=news.at, last=last)
        self._marks[mark.key] = mark
        untold = [route for route in routes if not any(wants(route, one) for one in before)]
        if untold:
            self._wait(self._flapping(news), untold)
        return True

    def _flapping(self, news: News) -> News:
        """Return that the tag of the news flaps."""
        hours = self._alerts.flapping_s / 3600
        return msgspec.structs.replace(
            news,
            id=f"flapping/{news.id}",
            kind=Kind.FLAPPING,
            message=f"breaks and is mended again and again ({self._alerts.flapping_changes} "
            f"changes in {hours:g} hours): nothing more is said until it is calm",
            fix="",
            fingerprint="",
            platform="",
        )

    def _begins(self, news: News) -> bool:
        """Say whether a finding changed too often by now."""
        if news.kind not in _CHANGES:
            return False
        begin = news.at - timedelta(seconds=self._alerts.flapping_s)
        changes = self._situation.changes.get(news.fingerprint, ())
        return sum(begin < at <= news.at for at in changes) >= self._alerts.flapping_changes
