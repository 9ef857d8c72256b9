"""How much is not certain: failed, incomplete and undecided looks, of what is watched."""

from __future__ import annotations

from mfl_lint.core.observation import LookState
from mfl_lint.store import leases, observations, registries
from mfl_lint.store.engine import Store
from mfl_lint.store.view_uncertain import (
    Uncertain,
    uncertain_by_registry,
    uncertain_by_repository,
)
from tests.store.batches import NOW, batch, lease, write


async def looked(store: Store, repository: str, look: LookState) -> None:
    """Record five tags, of which three are not certain, and how the listing ended."""
    held = await lease(store, repository)
    tags = (
        write("sure"),
        write("partial", complete=False),
        write("undecided", unsettled=True),
        write("failed", look=LookState.UNREACHABLE),
        write("gone", look=LookState.ABSENT, gone_at=NOW),
    )
    await observations.record(store, held, batch(*tags))
    await observations.finish_repository(
        store,
        held,
        look=look,
        detail="",
        siblings_hash="",
        missing_since=None,
        gone_at=None,
        now=NOW,
    )
    await leases.release(store, held)


async def test_only_what_was_seen_and_decided_is_certain(store: Store) -> None:
    await looked(store, "team/app", LookState.VERIFIED)
    await looked(store, "team/denied", LookState.DENIED)
    assert {"one": Uncertain(6, 1)} == await uncertain_by_registry(store)
    names = ["team/app", "team/other"]
    assert {"team/app": 3} == await uncertain_by_repository(store, "one", names)


async def test_what_is_not_watched_leaves_nothing_open(store: Store) -> None:
    await looked(store, "team/app", LookState.DENIED)
    await registries.sync_repositories(store, "one", [], unwatch=["team/app"], now=NOW)
    assert {} == await uncertain_by_registry(store)


async def test_a_repository_that_was_never_listed_is_not_certain(store: Store) -> None:
    await lease(store)
    assert {"one": Uncertain(0, 1)} == await uncertain_by_registry(store)
