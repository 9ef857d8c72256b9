"""Tags that are missing are held, and declared gone together."""

from __future__ import annotations

from datetime import timedelta

from mfl_lint.core.observation import LookState
from mfl_lint.core.records import RepositoryFinish
from mfl_lint.core.truth import FindingState, Settlement, settle_gone
from mfl_lint.core.views import Counts
from mfl_lint.store import findings, observations, registries, revisions, vanish, views
from mfl_lint.store.engine import Store
from tests.store.batches import NOW, batch, finding, found, later, lease, write


async def _missing(store: Store) -> int:
    held = await lease(store)
    await observations.record(
        store, held, batch(*(write(f"v{n}", finding(f"v{n}")) for n in "1234"))
    )
    absent = LookState.ABSENT
    lost = [
        write("v1", settlement=Settlement(), look=absent, missing_since=NOW),
        write("v2", settlement=Settlement(), look=absent, missing_since=later(minutes=5)),
        write("v3", settlement=Settlement(), look=absent, missing_since=NOW, gone_at=NOW),
        write("v5", settlement=Settlement(), look=LookState.DENIED, missing_since=NOW),
    ]
    await observations.record(store, held, batch(*lost))
    return held.repository_id


async def test_tags_missing_long_enough_are_listed_but_for_gone_and_unwatched_ones(
    store: Store,
) -> None:
    number = await _missing(store)
    one = [(number, "team/app", "v1")]
    both = [*one, (number, "team/app", "v2")]
    assert one == list(await vanish.missing_tags(store, "one", NOW))
    assert both == list(await vanish.missing_tags(store, "one", later(minutes=5)))
    assert () == await vanish.missing_tags(store, "two", later(minutes=5))
    assert 4 == await vanish.tag_count(store, "one")
    await registries.sync_repositories(store, "one", [], unwatch=["team/app"], now=NOW)
    assert () == await vanish.missing_tags(store, "one", later(minutes=5))
    assert 0 == await vanish.tag_count(store, "one")


async def test_a_tag_declared_gone_resolves_its_findings_and_one_seen_again_does_not(
    store: Store,
) -> None:
    number = await _missing(store)
    at = later(minutes=10)
    before = await findings.tracked(store, number, None)
    keys = [(number, name) for name in ("v1", "v4", "v5", "never")]
    keys.append((number + 1, "v1"))
    settled = {key: settle_gone(before.get(key[1], ()), reason="deleted", now=at) for key in keys}
    await vanish.declare_gone(store, "one", keys, settled, at)

    tags = await observations.known_tags(store, number)
    assert {"v1": at, "v2": None, "v3": NOW, "v4": None, "v5": None} == {
        name: tag.gone_at for name, tag in tags.items()
    }
    after = await findings.tracked(store, number, None)
    assert {"v1": FindingState.RESOLVED, "v4": FindingState.OPEN} == {
        name: after[name][0].state for name in ("v1", "v4")
    }
    view = await views.registry(store, "one")
    assert view is not None
    assert (3, Counts(error=3)) == (view.tags, view.counts)


async def test_gone_tags_with_a_rules_finding_are_listed_and_settled(store: Store) -> None:
    number = await _missing(store)
    news = finding("v1", "MFL301")
    key = (number, "v1")
    before = (await findings.tracked(store, number, ["v1"]))["v1"]
    told = found(news, before=[])
    gone = settle_gone(before, reason="gone", now=NOW)
    both = Settlement((*gone.changed, *told.changed), (*gone.transitions, *told.transitions))
    await vanish.declare_gone(store, "one", [key], {key: both}, NOW)
    place = (number, "team/app", "v1")
    assert () == await vanish.gone_tags(store, "one", "MFL301", NOW)
    held = await lease(store)
    finish = RepositoryFinish(LookState.VERIFIED)
    await observations.record(store, held, batch(finish=finish))
    assert (place,) == await vanish.gone_tags(store, "one", "MFL301", NOW)
    assert () == await vanish.gone_tags(store, "one", "MFL301", NOW - timedelta(seconds=1))
    assert () == await vanish.gone_tags(store, "one", "MFL105", NOW)
    standing = (await findings.tracked(store, number, ["v1"]))["v1"]
    over = settle_gone(
        [one for one in standing if one.finding.rule == "MFL301"], reason="old", now=later(days=30)
    )
    await vanish.settle_gone_tags(store, "one", {key: over, (number, "v2"): over}, later(days=30))
    assert () == await vanish.gone_tags(store, "one", "MFL301", later(days=30))
    states = {one.state for one in (await findings.tracked(store, number, ["v1"]))["v1"]}
    assert {FindingState.RESOLVED} == states


async def test_however_many_tags_vanish_each_transaction_is_of_some_hundred(store: Store) -> None:
    names, at, absent = [f"v{number}" for number in range(501)], later(minutes=10), LookState.ABSENT
    held = await lease(store)
    lost = [write(name, settlement=Settlement(), look=absent, missing_since=NOW) for name in names]
    await observations.record(store, held, batch(*lost))
    keys = [(held.repository_id, name) for name in names]
    before = (await revisions.revisions(store))["one"]
    await vanish.declare_gone(store, "one", keys, {}, at)
    known = await observations.known_tags(store, held.repository_id)
    assert {at} == {tag.gone_at for tag in known.values()}
    assert before + 2 == (await revisions.revisions(store))["one"]
    await vanish.settle_gone_tags(store, "one", dict.fromkeys(keys, Settlement()), at)
    assert before + 4 == (await revisions.revisions(store))["one"]
