"""Going along repositories in order, however many there are, and reading no more than is wanted."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from benchmarks.recorded import recorded
from mfl_lint.store import registries
from mfl_lint.store.engine import Store, open_store
from mfl_lint.store.walk import Stop, Wanted, walk
from tests.store.batches import NOW, lease

NAMES = [f"team/app-{number:04}" for number in range(700)]


async def filled(store: Store) -> None:
    await lease(store)
    for registry in ("one", "two"):
        await registries.sync_repositories(store, registry, NAMES, unwatch=["team/app"], now=NOW)


async def test_every_repository_is_passed_once_and_in_order(store: Store) -> None:
    await filled(store)
    every = [(registry, name) for registry in ("one", "two") for name in NAMES]
    for begin in (0, 1, 63, 64, 650, 1399):
        passed = await store.read(partial(_passed, Wanted(begin=every[begin]), None))
        assert every[begin:] == [(stop.registry, stop.repository) for stop in passed]


async def test_what_a_page_needs_is_all_that_is_read(url: str) -> None:
    async with open_store(url) as store:
        await filled(store)
    with recorded() as said:
        async with open_store(url) as store:
            said.clear()
            await store.read(partial(_passed, Wanted(), 51))
    asked = [(sql, given) for sql, given in said if "FROM repositories" in sql]
    assert 1 == len(asked)
    assert 64 in _values(asked[0][1])


def _passed(wanted: Wanted, most: int | None, connection: Connection) -> list[Stop]:
    return list(islice(walk(connection, wanted), most))


def _values(given: Any) -> list[Any]:
    return list(given.values() if isinstance(given, dict) else given)
