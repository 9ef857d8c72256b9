"""News that wait in groups: read once, whatever holds them back, and none before another's turn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from mfl_lint.alert.gathering import gathered
from mfl_lint.config_alert import AlertConfig, QuietConfig
from mfl_lint.core.messages import Draft, Gathered, Handling, Ready
from mfl_lint.core.news import Group, Kind, Routed, Waiting
from mfl_lint.core.policy import Ignore
from mfl_lint.store import dump, groups, handling, news
from mfl_lint.store.engine import Store
from tests.alert.stories import NOW, alerts, later, route
from tests.alert.stories import news as news_of

AT_ONCE = 10
LOUD, SHUT = Group("team", "hub", "team/loud"), Group("team", "hub", "team/shut")


async def write(store: Store, group: Group, *marks: str, kind: Kind = Kind.OPENED) -> None:
    """Have news of findings wait in a group, due now."""
    made = [news_of(mark, kind, repository=group.repository) for mark in marks]
    routed = Routed(tuple(Waiting(group, one, NOW) for one in made))
    await store.write(news.write_routed, routed)


class Planner:
    """Gathers a few news at once, and keeps how many were read and what was told."""

    def __init__(self, store: Store, settings: AlertConfig | None = None) -> None:
        self._store = store
        self._alerts = settings or alerts()
        self.read = 0
        self.told: list[str] = []

    async def plan(self, now: datetime = NOW) -> int:
        """Gather until nothing is due; return how many turns that took."""
        turns = 0
        while await self.turn(now):
            turns += 1
            assert turns < 20, "there is no end to it"
        return turns

    async def turn(self, now: datetime) -> int:
        def decide(
            ready: Sequence[Ready], sent: Mapping[str, Sequence[datetime]], known: Handling
        ) -> tuple[Gathered, Iterable[Draft]]:
            self.read += sum(len(one.news) for one in ready)
            made = gathered(ready, self._alerts, known, sent, now)
            self.told += [item.fingerprint for one in made.notices for item in one.items]
            return made, ()

        return await groups.gather_news(self._store, decide, now, ["team"], None, most=AT_ONCE)


async def silence(store: Store, hours: float) -> int:
    until = NOW + timedelta(hours=hours)
    shut = Ignore("*", "maintenance", "hub", SHUT.repository, "*", until)
    return await handling.set_silence(store, shut, who="ann", now=NOW)


async def test_what_is_silenced_is_read_once_and_keeps_no_other_news_back(store: Store) -> None:
    await silence(store, 1)
    silenced = [f"s{number:02}" for number in range(35)]
    await write(store, SHUT, *silenced)
    await write(store, LOUD, "a", "b")
    planner = Planner(store)
    for second in range(3):
        await planner.turn(later(seconds=second))
    assert ["a", "b"] == planner.told
    await planner.plan(later(seconds=3))
    assert 37 == planner.read
    # What comes later is read by itself, and waits as well.
    await write(store, SHUT, "new")
    await write(store, SHUT, silenced[0], kind=Kind.RESOLVED)
    await planner.plan(later(minutes=30))
    assert (39, ["a", "b"]) == (planner.read, planner.told)
    await planner.plan(later(hours=1))
    assert 39 + 37 == planner.read
    assert {*silenced, "new", "a", "b"} == set(planner.told)


async def test_what_is_silenced_is_read_again_as_soon_as_the_silence_is_ended(
    store: Store,
) -> None:
    number = await silence(store, 9)
    await write(store, SHUT, *(f"s{number:02}" for number in range(25)))
    planner = Planner(store)
    await planner.plan()
    assert (25, []) == (planner.read, planner.told)
    assert await handling.end_silence(store, number, who="ann", now=later(minutes=1))
    await planner.plan(later(minutes=1))
    assert (50, 25) == (planner.read, len(set(planner.told)))


async def test_what_waits_for_the_end_of_quiet_hours_is_read_once_until_then(
    store: Store,
) -> None:
    quiet = alerts(route(quiet=QuietConfig("11:00", "13:00")))
    planner = Planner(store, quiet)
    await write(store, LOUD, "a", "b", "c")
    await planner.plan()
    await write(store, LOUD, "d")
    await write(store, LOUD, "a", kind=Kind.RESOLVED)
    await planner.plan(later(minutes=30))
    assert (5, []) == (planner.read, planner.told)
    await planner.plan(later(hours=1))
    assert (10, ["b", "c", "d"]) == (planner.read, planner.told)
    assert 0 == (await dump.figures(store)).rows["alert_marks"]


async def test_news_that_cannot_be_read_do_not_hold_up_those_that_are_silenced(
    store: Store,
) -> None:
    from sqlalchemy import text

    from mfl_lint.store.statements import run

    await silence(store, 1)
    await write(store, SHUT, "a", "b")
    await store.write(run, text("UPDATE alert_waiting SET news = '{' WHERE id = 1"))
    planner = Planner(store)
    await planner.plan()
    assert (1, []) == (planner.read, planner.told)
    await planner.plan(later(hours=1))
    assert ["b"] == planner.told
