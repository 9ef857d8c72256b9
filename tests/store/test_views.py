"""What pages read: pages that end, filters that hold, orders that last."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from mfl_lint.core.errors import CursorInvalid
from mfl_lint.core.observation import LookState
from mfl_lint.core.policy import Severity
from mfl_lint.core.truth import Change, FindingState, Settlement
from mfl_lint.core.views import Counts, FindingFilter, Page
from mfl_lint.store import crawls, findings, observations, registries, views
from mfl_lint.store.engine import Store
from mfl_lint.store.view_ignored import broken_tags_counted
from tests.store.batches import NOW, batch, digest, finding, found, later, lease, write
from tests.store.paging import all_of

VERSIONS = ["latest", "2.0", "v1.10", "v1.9", "1.9-alpine", "1.9.1", "edge", "stable"]


async def test_an_empty_store_shows_nothing(store: Store) -> None:
    assert () == await views.registries(store)
    assert None is await views.registry(store, "one")
    assert None is await views.repository_view(store, "one", "team/app")
    assert None is await views.tag(store, "one", "team/app", "v1")
    assert () == await views.tag_history(store, "one", "team/app", "v1")
    assert Page(()) == await views.findings_page(store, FindingFilter())
    assert Page(()) == await views.transitions_page(store)
    assert Page(()) == await views.tag_rows(store, "one", "team/app")
    assert () == await broken_tags_counted(store, (), 10)
    assert ({}, ()) == (await views.rule_counts(store), await views.days(store, now=NOW))


async def test_repositories_are_paged_by_name_in_the_order_of_bytes(store: Store) -> None:
    await lease(store)
    names = ["team-a", "team/b", "team_c", "team.d", "teama", "z/y/x"]
    await registries.sync_repositories(store, "one", names, now=NOW)
    await registries.sync_repositories(store, "one", [], unwatch=["teama"], now=NOW)
    await registries.sync_repositories(store, "two", ["other"], now=NOW)

    def read(everything: bool) -> Callable[[str | None], Awaitable[Page[Any]]]:
        return lambda cursor: views.repositories_page(
            store, "one", cursor=cursor, limit=2, everything=everything
        )

    shown = ["team-a", "team.d", "team/app", "team/b", "team_c", "z/y/x"]
    assert shown == [one.name for one in await all_of(read(False))]
    assert [*shown[:-1], "teama", "z/y/x"] == [one.name for one in await all_of(read(True))]


@pytest.mark.parametrize(
    ("glob", "expected"),
    [
        ("team*", ["team/%a", "team/[b]", "team/_c"]),
        ("team/?c", ["team/_c"]),
        ("team/_?", ["team/_c"]),
        ("*%*", ["team/%a"]),
        ("*[b]", ["team/[b]"]),
        ("TEAM*", []),
        ("*********a", ["team/%a"]),
        ("team", []),
        ("*\\*", []),
        ("*" + "a*" * 100, []),
    ],
)
async def test_globs_are_exact_whatever_they_hold(
    store: Store, glob: str, expected: list[str]
) -> None:
    await lease(store, "x")
    await registries.sync_repositories(store, "one", ["team/%a", "team/[b]", "team/_c"], now=NOW)
    page = await views.repositories_page(store, "one", glob=glob)
    assert expected == [one.name for one in page.items]


async def test_tags_are_shown_latest_first_then_the_newest_version(store: Store) -> None:
    held = await lease(store)
    shuffled = sorted(VERSIONS)
    gone = write("0.1", gone_at=NOW, missing_since=NOW, look=LookState.ABSENT)
    told = batch(*map(write, shuffled), gone, write("0.2", watched=False))
    await observations.record(store, held, told)

    rows = await all_of(
        lambda cursor: views.tag_rows(store, "one", "team/app", cursor=cursor, limit=3)
    )
    assert VERSIONS == [row.state.name for row in rows]
    every = await views.tag_rows(store, "one", "team/app", everything=True)
    assert {*VERSIONS, "0.1", "0.2"} == {row.state.name for row in every.items}
    narrowed = await views.tag_rows(store, "one", "team/app", glob="1.9*")
    assert ["1.9-alpine", "1.9.1"] == [row.state.name for row in narrowed.items]


async def test_a_tags_row_holds_its_entries_and_its_findings_that_stand(store: Store) -> None:
    held = await lease(store)
    warning = finding(rule="MFL201", severity=Severity.WARNING)
    error = finding(rule="MFL301")
    seen = write("v1", warning, error)
    await observations.record(store, held, batch(seen, write("v2", finding("v2"))))
    before = (await findings.tracked(store, held.repository_id, ["v2"]))["v2"]
    gone = found(before=before, at=later(hours=1))
    await observations.record(store, held, batch(write("v2", settlement=gone)))

    rows = {row.state.name: row for row in (await views.tag_rows(store, "one", "team/app")).items}
    assert [error, warning] == [one.finding for one in rows["v1"].findings]
    assert () == rows["v2"].findings
    assert seen.entries is not None
    looks = [(entry.position, entry.descriptor, entry.look) for entry in rows["v1"].entries]
    assert [(e.position, e.descriptor, LookState.VERIFIED) for e in seen.entries] == looks
    assert rows["v1"] == await views.tag(store, "one", "team/app", "v1")


async def test_registry_and_repository_views_hold_their_counts(store: Store) -> None:
    held = await lease(store)
    await observations.record(store, held, batch(write("v1", finding()), write("v2")))
    await observations.finish_repository(
        store,
        held,
        look=LookState.DENIED,
        detail="401",
        siblings_hash="",
        missing_since=None,
        gone_at=None,
        now=later(minutes=1),
    )
    registry = await views.registry(store, "one")
    assert registry is not None
    assert (1, 2, Counts(error=1)) == (registry.repositories, registry.tags, registry.counts)
    repository = await views.repository_view(store, "one", "team/app")
    assert repository is not None
    assert (2, Counts(error=1), LookState.DENIED, "401", later(minutes=1)) == (
        repository.tags,
        repository.counts,
        repository.look,
        repository.detail,
        repository.last_crawled_at,
    )


async def _three_findings(store: Store) -> None:
    held = await lease(store)
    first = write("v1", finding(severity=Severity.INFO), finding(rule="MFL201"))
    await observations.record(store, held, batch(first))
    at = later(hours=1)
    settled = found(finding("v2", severity=Severity.ERROR, platform="windows/amd64"), at=at)
    await observations.record(store, held, batch(write("v2", settlement=settled), at=at))


async def test_findings_are_paged_worst_first_then_newest(store: Store) -> None:
    await _three_findings(store)
    views_found = await all_of(
        lambda cursor: views.findings_page(store, FindingFilter(), cursor=cursor, limit=1)
    )
    expected = [("v2", "MFL101"), ("v1", "MFL201"), ("v1", "MFL101")]
    assert expected == [(view.finding.tag, view.finding.rule) for view in views_found]
    assert {(FindingState.OPEN, True)} == {(view.state, view.watched) for view in views_found}
    assert [later(hours=1), NOW, NOW] == [view.first_seen_at for view in views_found]


@pytest.mark.parametrize(
    ("wanted", "number"),
    [
        (FindingFilter(), 3),
        (FindingFilter(registry="one"), 3),
        (FindingFilter(registry="two"), 0),
        (FindingFilter(repository="team/*", tag="v?"), 3),
        (FindingFilter(tag="v2"), 1),
        (FindingFilter(rule="MFL1*"), 2),
        (FindingFilter(platform="windows/*"), 1),
        (FindingFilter(severities=("info",)), 1),
        (FindingFilter(severities=("info", "error")), 3),
        (FindingFilter(states=("resolved",)), 0),
        (FindingFilter(states=()), 3),
        (FindingFilter(tag="a\ud800\x00"), 0),
    ],
)
async def test_findings_are_narrowed_by_every_field(
    store: Store, wanted: FindingFilter, number: int
) -> None:
    await _three_findings(store)
    assert number == len((await views.findings_page(store, wanted)).items)


async def test_unwatched_findings_are_shown_only_to_who_asks(store: Store) -> None:
    await _three_findings(store)
    await registries.sync_repositories(store, "one", [], unwatch=["team/app"], now=NOW)
    assert () == (await views.findings_page(store, FindingFilter())).items
    page = await views.findings_page(store, FindingFilter(watched=False))
    assert [False] * 3 == [view.watched for view in page.items]
    assert () == await broken_tags_counted(store, (), 10)


async def test_transitions_are_paged_newest_first(store: Store) -> None:
    await _three_findings(store)
    changes = await all_of(lambda cursor: views.transitions_page(store, cursor=cursor, limit=1))
    assert "v2" == changes[0].finding.tag
    assert [Change.OPENED] * 3 == [view.transition.change for view in changes]
    assert 1 == len((await views.transitions_page(store, since=later(minutes=1))).items)
    assert 3 == len((await views.transitions_page(store, registry="one")).items)
    assert 0 == len((await views.transitions_page(store, registry="two")).items)


async def test_broken_tags_are_listed_worst_first_with_their_age(store: Store) -> None:
    await _three_findings(store)
    held = await lease(store)
    await observations.record(store, held, batch(write("v3", settlement=Settlement())))
    broken = await broken_tags_counted(store, (), 10)
    assert [
        ("v1", Counts(error=1, info=1), NOW),
        ("v2", Counts(error=1), later(hours=1)),
    ] == [(one.tag, one.counts, one.since) for one in broken]
    assert 1 == len(await broken_tags_counted(store, (), 1))


async def test_findings_are_counted_by_rule(store: Store) -> None:
    await _three_findings(store)
    expected = {"MFL101": Counts(error=1, info=1), "MFL201": Counts(error=1)}
    assert expected == await views.rule_counts(store)
    await registries.sync_registries(store, [], NOW)
    assert {} == await views.rule_counts(store)


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "é", "bnVsbA", "W10", "WzFd", "WyJhIiwiYiIsImMiLCJkIl0", "W1tbW1tb", "A" * 100_000],
)
async def test_a_made_up_cursor_is_refused_by_every_list(store: Store, cursor: str) -> None:
    read: tuple[Awaitable[object], ...] = (
        views.tag_rows(store, "one", "team/app", cursor=cursor),
        views.findings_page(store, FindingFilter(), cursor=cursor),
        views.transitions_page(store, cursor=cursor),
    )
    for awaitable in read:
        with pytest.raises(CursorInvalid):
            await awaitable
    if cursor != "WzFd":
        with pytest.raises(CursorInvalid):
            await crawls.crawls(store, cursor=cursor)


async def test_a_digest_is_shown_for_every_tag_that_points_at_it(store: Store) -> None:
    held = await lease(store)
    await observations.record(
        store, held, batch(write("v1", content="same"), write("v2", content="same"))
    )
    rows = (await views.tag_rows(store, "one", "team/app")).items
    assert [(digest("same"), 2)] * 2 == [(row.state.digest, len(row.entries)) for row in rows]
