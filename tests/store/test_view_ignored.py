"""What ignores take from the counters is what they cover, finding by finding."""

from __future__ import annotations

from mfl_lint.core.policy import Ignore, Severity
from mfl_lint.core.truth import FindingState, Settlement, Tracked
from mfl_lint.core.views import BrokenTag, Counts, Told
from mfl_lint.store import observations, registries
from mfl_lint.store.engine import Store
from mfl_lint.store.view_ignored import (
    broken_tags_counted,
    ignored_by_registry,
    ignored_by_repository,
    ignored_by_rule,
)
from tests.store.batches import NOW, batch, finding, found, later, lease, write

WARNING = Severity.WARNING


async def filled(store: Store) -> None:
    """Fill two repositories: three tags with findings, and one of a repository itself."""
    held = await lease(store)
    lost = finding("v2", "MFL201")
    unknown = Settlement((Tracked(lost, FindingState.UNKNOWN, NOW, NOW),), ())
    both = (finding("v1"), finding("v1", "MFL301", WARNING, subject="name"))
    tags = (write("v1", *both), write("v2", settlement=unknown), write("v3", finding("v3")))
    own = found(finding("", "MFL301", WARNING, subject="name"))
    await observations.record(store, held, batch(*tags, repository_settlement=own))
    other = await lease(store, "legacy/[old]")
    late = found(finding("v1", repository="legacy/[old]"), at=later(hours=1))
    await observations.record(store, other, batch(write("v1", settlement=late)))


async def by_all(store: Store, *ignores: Ignore) -> tuple[dict[str, Counts], ...]:
    names = ["team/app", "legacy/[old]"]
    return (
        await ignored_by_registry(store, ignores),
        await ignored_by_repository(store, ignores, "one", names),
        await ignored_by_rule(store, ignores),
    )


async def test_without_an_ignore_nothing_is_taken(store: Store) -> None:
    await filled(store)
    assert ({}, {}, {}) == await by_all(store)
    assert ({}, {}, {}) == await by_all(store, Ignore("MFL101", "why", registry="two"))


async def test_what_two_ignores_cover_is_taken_once(store: Store) -> None:
    await filled(store)
    twice = (Ignore("MFL101", "one"), Ignore("MFL*", "two", tag="v?"))
    taken = Counts(error=3, warning=1, unknown=1)
    assert (
        {"one": taken},
        {"team/app": Counts(2, 1, 0, 1), "legacy/[old]": Counts(error=1)},
        {"MFL101": Counts(error=3), "MFL201": Counts(unknown=1), "MFL301": Counts(warning=1)},
    ) == await by_all(store, *twice)


async def test_a_repositorys_own_finding_is_taken_where_every_tag_is(store: Store) -> None:
    await filled(store)
    ignored = await ignored_by_registry(store, [Ignore("MFL301", "why", repository="team/*")])
    assert {"one": Counts(warning=2)} == ignored


async def test_names_are_matched_as_they_are_written(store: Store) -> None:
    await filled(store)
    ignored = await ignored_by_registry(store, [Ignore("*", "why", repository="*[old]")])
    assert {"one": Counts(error=1)} == ignored


async def test_what_is_not_watched_is_in_no_sum_and_so_not_taken(store: Store) -> None:
    await filled(store)
    await registries.sync_repositories(store, "one", [], unwatch=["team/app"], now=NOW)
    by_registry, by_repository, by_rule = await by_all(store, Ignore("MFL101", "why"))
    assert {"one": Counts(error=1)} == by_registry
    assert {"MFL101": Counts(error=1)} == by_rule
    assert Counts(error=2) == by_repository["team/app"]


async def test_many_ignores_are_no_trouble(store: Store) -> None:
    await filled(store)
    many = [Ignore("MFL101", "why", tag=f"v{number}") for number in range(1500)]
    assert {"one": Counts(error=3)} == await ignored_by_registry(store, many)


def told(*rules: str) -> tuple[Told, ...]:
    return tuple(Told(rule, "wrong-platform", "linux/arm64") for rule in rules)


async def test_a_broken_tag_names_the_three_worst_of_its_findings(store: Store) -> None:
    held = await lease(store)
    many = [finding(subject=f"linux/{at}", severity=Severity.INFO) for at in range(9)]
    error, warning = finding(rule="MFL301"), finding(rule="MFL201", severity=Severity.WARNING)
    await observations.record(store, held, batch(write("v1", *many, warning, error)))

    (one,) = await broken_tags_counted(store, [], 12)
    assert told("MFL301", "MFL201", "MFL101") == one.faults
    (left,) = await broken_tags_counted(store, [Ignore("MFL101", "why")], 12)
    assert told("MFL301", "MFL201") == left.faults


async def test_the_worst_tags_are_those_that_are_left(store: Store) -> None:
    await filled(store)
    oldest = BrokenTag("one", "legacy/[old]", "v1", Counts(error=1), later(hours=1), told("MFL101"))
    warned = BrokenTag("one", "team/app", "v1", Counts(warning=1), NOW, told("MFL301"))
    lost = BrokenTag("one", "team/app", "v2", Counts(unknown=1), None, told("MFL201"))
    ignores = [Ignore("MFL101", "why", repository="team/*")]
    assert (oldest, warned, lost) == await broken_tags_counted(store, ignores, 12)
    assert (oldest,) == await broken_tags_counted(store, ignores, 1)
    assert 4 == len(await broken_tags_counted(store, [], 12))
