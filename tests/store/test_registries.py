"""Registries and repositories: what the configuration names is watched."""

from __future__ import annotations

from mfl_lint.config import RegistryConfig
from mfl_lint.core.records import RepositoryState
from mfl_lint.core.rule import TagSummary
from mfl_lint.core.views import Counts
from mfl_lint.store import observations, registries, views
from mfl_lint.store.engine import Store
from tests.store.batches import NOW, batch, digest, finding, later, lease, state, write


async def _named(store: Store, *names: str, host: str = "example.test") -> None:
    configured = [RegistryConfig(name, host) for name in names]
    await registries.sync_registries(store, configured, NOW)


async def test_registries_that_left_the_configuration_are_unwatched_and_stay(store: Store) -> None:
    await _named(store, "one", "two")
    await _named(store, "two", "three", host="moved.test")
    expected = [("one", "example.test", False), ("three", "moved.test", True)]
    expected.append(("two", "moved.test", True))
    found = [(view.name, view.host, view.watched) for view in await views.registries(store)]
    assert expected == found


async def test_without_any_registry_all_are_unwatched(store: Store) -> None:
    await _named(store, "one")
    await registries.sync_registries(store, [], NOW)
    assert [False] == [view.watched for view in await views.registries(store)]


async def test_a_notice_is_set_and_taken_away(store: Store) -> None:
    await _named(store, "one")
    await registries.set_notice(store, "one", "unreachable since noon", NOW)
    assert ["unreachable since noon"] == [view.notice for view in await views.registries(store)]
    await registries.set_notice(store, "one", "", later(hours=1))
    assert [""] == [view.notice for view in await views.registries(store)]


async def test_only_what_left_the_configuration_is_unwatched(store: Store) -> None:
    await _named(store, "one")
    await registries.sync_repositories(store, "one", ["b", "a", "c"], now=NOW)
    await registries.sync_repositories(store, "one", ["d"], unwatch=["a"], now=NOW)

    assert ["b", "c", "d"] == [one.name for one in await registries.repositories(store, "one")]
    everything = await registries.repositories(store, "one", watched_only=False)
    assert [("a", False), ("b", True), ("c", True), ("d", True)] == [
        (one.name, one.watched) for one in everything
    ]
    view = await views.registry(store, "one")
    assert view is not None
    assert 3 == view.repositories


async def test_thousands_of_repositories_are_synced_at_once(store: Store) -> None:
    await _named(store, "one")
    names = [f"team/{number:04}" for number in range(2500)]
    await registries.sync_repositories(store, "one", names, now=NOW)
    await registries.sync_repositories(store, "one", [], unwatch=names[:2000], now=NOW)
    assert names[2000:] == [one.name for one in await registries.repositories(store, "one")]


async def test_a_repository_is_read_as_it_is(store: Store) -> None:
    held = await lease(store)
    expected = RepositoryState(held.repository_id, "one", "team/app")
    assert expected == await registries.repository(store, "one", "team/app")
    assert None is await registries.repository(store, "two", "team/app")


async def test_the_findings_of_an_unwatched_repository_count_no_more_until_it_returns(
    store: Store,
) -> None:
    held = await lease(store)
    await observations.record(store, held, batch(write("v1", finding()), write("v2")))

    async def counted() -> tuple[int, int, Counts, dict[str, Counts]]:
        view = await views.registry(store, "one")
        assert view is not None
        return view.repositories, view.tags, view.counts, await views.rule_counts(store)

    before = await counted()
    assert (1, 2, Counts(error=1), {"MFL101": Counts(error=1)}) == before
    await registries.sync_repositories(store, "one", [], unwatch=["team/app"], now=NOW)
    assert (0, 0, Counts(), {}) == await counted()
    await registries.sync_repositories(store, "one", ["team/app"], now=NOW)
    assert before == await counted()


async def test_summaries_are_those_of_the_tags_that_are_not_gone(store: Store) -> None:
    held = await lease(store)
    await lease(store, "team/empty")
    other = await lease(store, registry="two")
    tags = (
        write("v1"),
        write("v2", summary=None),
        write("v3", missing_since=NOW, gone_at=NOW),
    )
    await observations.record(store, held, batch(*tags))
    await observations.record(store, other, batch(write("other")))

    expected = {
        "team/app": (state("v1").summary, TagSummary("v2", digest("v2"))),
        "team/empty": (),
    }
    wanted = ["team/app", "team/empty", "team/unknown"]
    assert expected == await registries.names_with_tags(store, "one", wanted)
