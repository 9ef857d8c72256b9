"""Counters: whatever happens, they are what counting the rows would give."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Any

from mfl_lint.core.observation import LookState
from mfl_lint.core.policy import Severity
from mfl_lint.core.records import Lease
from mfl_lint.core.truth import (
    FindingState,
    Settlement,
    Tracked,
    settle_failed_look,
    settle_gone,
)
from mfl_lint.core.views import Counts, DayCounts
from mfl_lint.store import findings, leases, observations, registries, vanish, views
from mfl_lint.store.engine import Store
from mfl_lint.store.view_ignored import broken_tags_counted
from tests.store.batches import NOW, RULES, batch, finding, found, later, lease, write

REPOSITORIES = ("team/app", "team/web")
TAGS = ("v1", "v2", "v3", "latest")


def _counts(rows: list[Tracked]) -> Counts:
    standing = Counter(
        "unknown" if one.state is FindingState.UNKNOWN else one.finding.severity.value
        for one in rows
        if one.state is not FindingState.RESOLVED
    )
    return Counts(**standing)


async def _counted(store: Store) -> dict[str, Any]:
    """Return what the counters say."""
    view = await views.registry(store, "one")
    assert view is not None
    page = await views.repositories_page(store, "one", everything=True)
    broken = await broken_tags_counted(store, (), 100)
    return {
        "registry": (view.repositories, view.tags, view.counts),
        "repositories": {one.name: (one.tags, one.counts) for one in page.items},
        "rules": await views.rule_counts(store),
        "tags": {(one.repository, one.tag): one.counts for one in broken},
        "today": [day.counts for day in await views.days(store)][-1:],
    }


async def _recounted(store: Store) -> dict[str, Any]:
    """Return what the rows say."""
    repositories = await registries.repositories(store, "one", watched_only=False)
    own: dict[str, tuple[int, Counts]] = {}
    broken: dict[tuple[str, str], Counts] = {}
    rules: defaultdict[str, list[Tracked]] = defaultdict(list)
    total, tag_total = [], 0
    for repository in repositories:
        tags = await observations.known_tags(store, repository.id)
        watched = {name for name, tag in tags.items() if tag.watched}
        here: list[Tracked] = []
        for tag, rows in (await findings.tracked(store, repository.id, None)).items():
            if tag in watched or not tag:
                here.extend(rows)
            if tag in watched and repository.watched and _counts(list(rows)) != Counts():
                broken[repository.name, tag] = _counts(list(rows))
        number = sum(tags[name].gone_at is None for name in watched)
        own[repository.name] = (number, _counts(here))
        if repository.watched:
            total.extend(here)
            tag_total += number
            for one in here:
                rules[one.finding.rule].append(one)
    by_rule = {rule: _counts(rows) for rule, rows in rules.items()}
    number = sum(one.watched and one.gone_at is None for one in repositories)
    return {
        "registry": (number, tag_total, _counts(total)),
        "repositories": own,
        "rules": {rule: counts for rule, counts in by_rule.items() if counts != Counts()},
        "tags": broken,
        "today": [_counts(total)],
    }


class _Life:
    """Random things that happen to a registry."""

    def __init__(self, store: Store, held: dict[str, Lease], seed: int) -> None:
        self.store = store
        self.held = held
        self.dice = random.Random(seed)
        self.now = NOW

    async def step(self) -> None:
        self.now = later(minutes=(self.now - NOW).total_seconds() / 60 + 30)
        acts = (self._look, self._look, self._look, self._unwatch, self._vanish, self._repository)
        await self.dice.choice(acts)()

    def _findings(self, repository: str, tag: str) -> list[Any]:
        return [
            finding(tag, rule, self.dice.choice(list(Severity)), repository=repository)
            for rule in sorted(RULES)
            if self.dice.random() < 0.4
        ]

    async def _settled(self, repository: str, tag: str) -> Settlement:
        lease = self.held[repository]
        before = (await findings.tracked(self.store, lease.repository_id, [tag])).get(tag, ())
        if self.dice.random() < 0.3:
            return settle_failed_look(before, reason="503", now=self.now, missed_rounds=2)
        return found(*self._findings(repository, tag), before=before, at=self.now)

    async def _look(self) -> None:
        repository = self.dice.choice(REPOSITORIES)
        chosen = self.dice.sample(TAGS, 2)
        writes = [
            write(tag, settlement=await self._settled(repository, tag), watched=self._mostly())
            for tag in chosen
        ]
        own = await self._settled(repository, "")
        unchanged = tuple(tag for tag in TAGS if tag not in chosen and self.dice.random() < 0.3)
        told = batch(*writes, unchanged=unchanged, at=self.now, repository_settlement=own)
        await observations.record(self.store, self.held[repository], told)

    def _mostly(self) -> bool:
        return self.dice.random() < 0.8

    async def _unwatch(self) -> None:
        lease = self.held[self.dice.choice(REPOSITORIES)]
        await observations.unwatch_tags(self.store, lease, self.dice.sample(TAGS, 2))
        await self._look()

    async def _repository(self) -> None:
        name = [self.dice.choice(REPOSITORIES)]
        named, left = (name, []) if self.dice.random() < 0.6 else ([], name)
        await registries.sync_repositories(self.store, "one", named, unwatch=left, now=self.now)

    async def _vanish(self) -> None:
        repository = self.dice.choice(REPOSITORIES)
        lease = self.held[repository]
        tags = self.dice.sample(TAGS, 2)
        lost: dict[str, Any] = {"look": LookState.ABSENT, "missing_since": self.now}
        missing = [write(tag, settlement=Settlement(), **lost) for tag in tags]
        await observations.record(self.store, lease, batch(*missing, at=self.now))
        before = await findings.tracked(self.store, lease.repository_id, tags)
        keys = [(lease.repository_id, tag) for tag in tags]
        settled = {
            key: settle_gone(before.get(key[1], ()), reason="deleted", now=self.now) for key in keys
        }
        await vanish.declare_gone(self.store, "one", keys, settled, self.now)


async def test_counters_are_what_counting_the_rows_gives_whatever_happens(
    store: Store, count: Callable[[int], int], seed: int
) -> None:
    held = {name: await lease(store, name) for name in REPOSITORIES}
    life = _Life(store, held, seed)
    for _ in range(count(600)):
        await life.step()
        # The day's row follows with the next look: see `unwatch_tags`.
        counted, recounted = await _counted(store), await _recounted(store)
        assert recounted["registry"] == counted["registry"]
        assert recounted == counted | {"today": recounted["today"]}


async def test_a_quiet_day_shows_what_stood_the_day_before(store: Store) -> None:
    held = await lease(store)
    await observations.record(store, held, batch(write("v1", finding())))
    before = (await findings.tracked(store, held.repository_id, ["v1"]))["v1"]
    third = later(days=3)
    gone = found(before=before, at=third)
    await observations.record(store, held, batch(write("v1", settlement=gone), at=third))

    one = Counts(error=1)
    expected = (
        DayCounts("2026-03-02", one, opened=1),
        DayCounts("2026-03-03", one),
        DayCounts("2026-03-04", one),
        DayCounts("2026-03-05", Counts(), resolved=1),
        DayCounts("2026-03-06", Counts()),
    )
    assert expected == await views.days(store, now=later(days=4))
    assert expected[:4] == await views.days(store, "one")
    assert expected[3:] == await views.days(store, days=2, now=later(days=4))
    assert () == await views.days(store, "two")


async def test_the_days_of_all_registries_are_their_sum(store: Store) -> None:
    for registry, day in (("one", 0), ("two", 1)):
        held = await lease(store, registry=registry, holder=registry)
        at: datetime = later(days=day)
        told = write("v1", finding(registry=registry))
        await observations.record(store, held, batch(told, at=at))
        await leases.release(store, held)

    expected = (
        DayCounts("2026-03-02", Counts(error=1), opened=1),
        DayCounts("2026-03-03", Counts(error=2), opened=1),
    )
    assert expected == await views.days(store)
