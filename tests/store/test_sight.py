"""Whoever may know of some registries reads nothing of the others."""

from __future__ import annotations

from mfl_lint.core.policy import Ignore
from mfl_lint.core.views import Counts, FindingFilter, Page
from mfl_lint.store import (
    crawls,
    observations,
    registries,
    view_figures,
    view_ignored,
    view_places,
    view_search,
    view_uncertain,
    views,
)
from mfl_lint.store.engine import Store
from tests.store.batches import NOW, batch, crawl, finding, lease, write

PLACE = ("two", "team/app")


async def filled(store: Store) -> int:
    """Fill both registries alike, with a tag that is not certain, and return two's crawl."""
    for name in ("one", "two"):
        held = await lease(store, registry=name)
        broken = finding(registry=name)
        number = await crawl(store, name)
        await observations.record(store, held, batch(write("v1", broken, complete=False)))
    return number


async def lists(store: Store) -> dict[str, object]:
    """Return everything that is read over several registries."""
    ignores = (Ignore("*", "why"),)
    names = ["team/app"]
    found = await views.findings_page(store, FindingFilter(states=()))
    changes = await views.transitions_page(store)
    broken = await view_ignored.broken_tags_counted(store, (), 10)
    return {
        "registries": [one.name for one in await views.registries(store)],
        "findings": [one.finding.registry for one in found.items],
        "changes": [one.finding.registry for one in changes.items],
        "broken": [one.registry for one in broken],
        "rules": {rule: counts.error for rule, counts in (await views.rule_counts(store)).items()},
        "days": sum(one.counts.error for one in await views.days(store, now=NOW)),
        "crawls": [one.registry for one in (await crawls.crawls(store)).items],
        "ignored": [*await view_ignored.ignored_by_registry(store, ignores)],
        "ignored rules": await view_ignored.ignored_by_rule(store, ignores),
        "ignored two": [*await view_ignored.ignored_by_repository(store, ignores, "two", names)],
        "uncertain": [*await view_uncertain.uncertain_by_registry(store)],
        "uncertain two": [*await view_uncertain.uncertain_by_repository(store, "two", names)],
        "matrix": [one.registry for one in (await view_places.tag_across(store, "v1")).items],
        "digests": [one.registry for one in (await view_places.referenced(store)).items],
        "search": [one.registry for one in (await view_search.search(store, "app")).items],
        "figures": sorted({key[0] for key in (await view_figures.figures(store)).findings}),
        "unseen": [*await view_uncertain.unseen_by_registry(store)],
    }


async def test_lists_hold_what_may_be_seen_and_figures_count_it(store: Store) -> None:
    await filled(store)
    whole = await lists(store)
    one = await lists(store.seeing(frozenset({"one"})))
    none = await lists(store.seeing(frozenset()))

    for name, found in whole.items():
        assert found, name
        assert not none[name], name
    assert {"MFL101": 2} == whole["rules"]
    assert {"MFL101": 1} == one["rules"]
    assert {"MFL101": Counts(error=1)} == one["ignored rules"]
    assert (2, 1) == (whole["days"], one["days"])
    for name in ("registries", "findings", "changes", "broken", "crawls"):
        assert ["one"] == one[name], name
    for name in ("matrix", "digests", "search", "figures", "ignored", "uncertain", "unseen"):
        assert ["one"] == one[name], name
    assert [] == one["ignored two"] == one["uncertain two"]


async def test_what_may_not_be_seen_is_not_there(store: Store) -> None:
    number = await filled(store)
    blind = store.seeing(frozenset({"one"}))

    assert None is not await views.tag(store, *PLACE, "v1")
    assert None is await views.registry(blind, "two")
    assert None is await views.repository_view(blind, *PLACE)
    assert None is await views.tag(blind, *PLACE, "v1")
    assert () == await views.tag_history(blind, *PLACE, "v1")
    assert Page(()) == await views.tag_rows(blind, *PLACE)
    assert Page(()) == await views.repositories_page(blind, "two")
    assert None is await registries.repository(blind, *PLACE)
    assert () == await registries.repositories(blind, "two")
    assert None is await crawls.crawl(blind, number)
    assert Page(()) == await crawls.crawls(blind, "two")
    assert () == await views.days(blind, "two", now=NOW)
