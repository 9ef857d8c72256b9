"""Leases: one holder at a time, and a number that tells the stale one."""

from __future__ import annotations

import asyncio

import pytest

from mfl_lint.core.errors import LeaseLost, StoreError
from mfl_lint.core.observation import LookState
from mfl_lint.core.records import Lease, RepositoryFinish, SliceProgress
from mfl_lint.store import dump, leases, observations, registries
from mfl_lint.store.engine import Store
from tests.store.batches import NOW, batch, crawl, later, lease, write


async def test_a_lease_is_refused_while_somebody_elses_has_not_expired(store: Store) -> None:
    await lease(store, holder="first")
    soon, over = later(seconds=119), later(seconds=120)
    assert None is await leases.acquire(store, "one", "team/app", "second", 120.0, soon)
    taken = await leases.acquire(store, "one", "team/app", "second", 60.0, over)
    assert taken is not None
    expected = Lease(taken.repository_id, "one", "team/app", "second", 2, later(seconds=180))
    assert expected == taken


async def test_the_same_holder_gets_a_new_fence_and_loses_the_old_one(store: Store) -> None:
    old = await lease(store, holder="first")
    new = await leases.acquire(store, "one", "team/app", "first", 60.0, NOW)
    assert new is not None
    assert (1, 2) == (old.fence, new.fence)
    with pytest.raises(LeaseLost):
        await leases.renew(store, old, 60.0, NOW)


async def test_a_released_lease_is_free_and_its_number_goes_on(store: Store) -> None:
    held = await lease(store, holder="first")
    await leases.release(store, held)
    taken = await leases.acquire(store, "one", "team/app", "second", 60.0, NOW)
    assert taken is not None
    assert held.fence + 1 == taken.fence
    await leases.release(store, held)
    assert None is await leases.acquire(store, "one", "team/app", "third", 60.0, NOW)


async def test_a_renewed_lease_ends_later(store: Store) -> None:
    held = await lease(store, holder="first")
    renewed = await leases.renew(store, held, 600.0, NOW)
    assert later(seconds=600) == renewed.expires_at
    at = later(seconds=300)
    assert None is await leases.acquire(store, "one", "team/app", "second", 60.0, at)


async def test_a_lease_on_an_unknown_registry_is_an_error(store: Store) -> None:
    with pytest.raises(StoreError, match="knows no registry 'nowhere'"):
        await leases.acquire(store, "nowhere", "team/app", "me", 60.0, NOW)


async def test_of_many_who_ask_at_once_one_gets_it(store: Store) -> None:
    await lease(store, "team/other")
    asked = (
        leases.acquire(store, "one", "team/app", f"worker {number}", 60.0, NOW)
        for number in range(12)
    )
    answers = await asyncio.gather(*asked)
    assert [1] == [answer.fence for answer in answers if answer is not None]


async def test_a_crawl_begins_with_all_that_is_known(store: Store) -> None:
    held = await lease(store)
    await observations.record(store, held, batch(write("v1"), write("v2")))
    await leases.release(store, held)
    begun = await leases.begin(store, "one", "team/app", "second", 60.0, NOW)
    assert begun is not None
    assert held.fence + 1 == begun.lease.fence
    assert await registries.repository(store, "one", "team/app") == begun.state
    assert await observations.known_tags(store, held.repository_id) == begun.tags
    assert None is await leases.begin(store, "one", "team/app", "third", 60.0, NOW)


async def test_a_crawl_of_an_unknown_repository_begins_with_its_row(store: Store) -> None:
    await lease(store)
    begun = await leases.begin(store, "one", "team/new", "me", 60.0, NOW)
    assert begun is not None
    assert (begun.lease.repository_id, "team/new", {}) == (
        begun.state.id,
        begun.state.name,
        begun.tags,
    )
    with pytest.raises(StoreError, match="nowhere"):
        await leases.begin(store, "nowhere", "team/app", "me", 60.0, NOW)


async def test_a_batch_keeps_the_lease_or_ends_the_crawl_and_gives_it_back(store: Store) -> None:
    held = await lease(store)
    crawl_id = await crawl(store)
    until, done = later(hours=2), SliceProgress(0, 1, 2)
    first = batch(write("v1"), crawl_id=crawl_id, renew_until=until, progress=done)
    await observations.record(store, held, first)
    assert None is await leases.begin(store, "one", "team/app", "x", 60.0, later(hours=1))

    finish = RepositoryFinish(LookState.VERIFIED, "", "mark")
    last = batch(write("v2"), crawl_id=crawl_id, renew_until=until, finish=finish)
    await observations.record(store, held, last)
    begun = await leases.begin(store, "one", "team/app", "x", 60.0, NOW)
    assert begun is not None
    assert (LookState.VERIFIED, "mark", NOW) == (
        begun.state.look,
        begun.state.siblings_hash,
        begun.state.last_crawled_at,
    )
    assert 1 == (await dump.figures(store)).rows["slices"]
    with pytest.raises(LeaseLost):
        await observations.record(store, held, last)
