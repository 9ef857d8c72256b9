"""Every transaction that changes what is shown of a registry advances that registry's revision."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from mfl_lint.core.observation import LookState
from mfl_lint.core.records import CrawlStatus, Lease
from mfl_lint.core.truth import Settlement
from mfl_lint.store import crawls, leases, looks, observations, registries, vanish
from mfl_lint.store.engine import Store
from mfl_lint.store.revisions import revisions
from tests.store.batches import NOW, batch, finding, lease, write

Work = Callable[[Store, Lease], Awaitable[Any]]


def finish(store: Store, held: Lease) -> Awaitable[None]:
    return observations.finish_repository(
        store,
        held,
        look=LookState.VERIFIED,
        detail="",
        siblings_hash="",
        missing_since=None,
        gone_at=None,
        now=NOW,
    )


async def _crawled(store: Store, held: Lease) -> None:
    before = await revisions(store)
    number = await crawls.start_crawl(store, "one", NOW)
    started = await revisions(store)
    await crawls.progress(store, number, repositories=1, repositories_done=0, tags=1, requests=1)
    moved = await revisions(store)
    await crawls.finish_crawl(store, number, CrawlStatus.DONE, "", NOW)
    assert before["one"] < started["one"] < moved["one"]


CHANGING: dict[str, Work] = {
    "a batch": lambda store, held: observations.record(store, held, batch(write("v2", finding()))),
    "the end of a repository": finish,
    "tags unwatched": lambda store, held: observations.unwatch_tags(store, held, ["v1"]),
    "a crawl": _crawled,
    "a notice": lambda store, held: registries.set_notice(store, "one", "down", NOW),
    "a new repository": lambda store, held: registries.sync_repositories(
        store, "one", ["team/new"], now=NOW
    ),
    "a repository unwatched": lambda store, held: registries.sync_repositories(
        store, "one", [], unwatch=["team/app"], now=NOW
    ),
    "a repository first seen": lambda store, held: leases.acquire(
        store, "one", "team/more", "me", 60.0, NOW
    ),
    "a tag gone": lambda store, held: vanish.declare_gone(
        store, "one", [(held.repository_id, "v1")], {}, NOW
    ),
    "findings of gone tags": lambda store, held: vanish.settle_gone_tags(
        store, "one", {(held.repository_id, "v1"): Settlement()}, NOW
    ),
}


@pytest.mark.parametrize("what", CHANGING)
async def test_what_is_written_of_a_registry_advances_its_revision(store: Store, what: str) -> None:
    held = await lease(store)
    await observations.record(store, held, batch(write("v1", finding())))
    before = await revisions(store)

    await CHANGING[what](store, held)

    after = await revisions(store)
    assert before["one"] < after["one"]
    assert before["two"] == after["two"]


async def test_a_registry_that_leaves_the_configuration_advances_too(store: Store) -> None:
    await lease(store)
    before = await revisions(store)

    await registries.sync_registries(store, [], NOW)

    after = await revisions(store)
    assert {name: number + 1 for name, number in before.items()} == after


async def test_what_is_not_shown_advances_nothing(store: Store) -> None:
    held = await lease(store)
    before = await revisions(store)

    await leases.renew(store, held, 60.0, NOW)
    await looks.request_look(store, "one", "team/app", "v1", NOW, "asked")
    await observations.set_siblings_hash(store, held, "hash")

    assert before == await revisions(store)
