"""What people ignore: kept, read by whom it concerns, undone, and written down."""

from __future__ import annotations

import pytest

from mfl_lint.core.errors import Refused
from mfl_lint.core.policy import Ignore
from mfl_lint.core.views import SetIgnore
from mfl_lint.store import audit, ignores
from mfl_lint.store.engine import Store
from tests.store.batches import NOW, later

ONE = Ignore("MFL101", "known", "one", "team/*", "*")
TWO = Ignore("MFL3*", "old names", "two", "*", "v1", later(days=1))


async def filled(store: Store) -> tuple[int, int]:
    return (
        await ignores.set_ignore(store, ONE, who="alice", now=NOW),
        await ignores.set_ignore(store, TWO, who="bob", now=NOW),
    )


async def test_an_ignore_is_kept_with_who_set_it(store: Store) -> None:
    first, second = await filled(store)
    both = (SetIgnore(second, TWO, "bob", NOW), SetIgnore(first, ONE, "alice", NOW))
    assert both == await ignores.set_ignores(store)
    assert both[1] == await ignores.set_ignore_of(store, first)
    assert None is await ignores.set_ignore_of(store, 99)


async def test_one_that_expired_holds_no_more_but_is_still_told(store: Store) -> None:
    await filled(store)
    assert (ONE, TWO) == await ignores.standing_ignores(store, NOW)
    assert (ONE,) == await ignores.standing_ignores(store, later(days=1))
    assert 2 == len(await ignores.set_ignores(store))


async def test_one_that_is_undone_is_gone_and_written_down(store: Store) -> None:
    first, _ = await filled(store)
    assert await ignores.undo_ignore(store, first, who="bob", now=later(days=1))
    assert not await ignores.undo_ignore(store, first, who="bob", now=later(days=1))
    assert (TWO,) == await ignores.standing_ignores(store, NOW)
    deeds = (await audit.deeds(store)).items
    assert ["ignore.undo", "ignore.set", "ignore.set"] == [one.action for one in deeds]
    assert f"{first}: MFL101 on one/team/*:*: known" == deeds[0].subject
    assert "until 2026-03-03: old names" in deeds[1].subject


async def test_nobody_reads_or_undoes_one_in_a_registry_they_do_not_see(store: Store) -> None:
    first, second = await filled(store)
    blind = store.seeing(frozenset({"one"}))
    assert [first] == [one.id for one in await ignores.set_ignores(blind)]
    assert (ONE,) == await ignores.standing_ignores(blind, NOW)
    assert None is await ignores.set_ignore_of(blind, second)
    assert not await ignores.undo_ignore(blind, second, who="alice", now=NOW)
    assert await ignores.undo_ignore(blind, first, who="alice", now=NOW)


async def test_there_is_an_end_to_them(store: Store) -> None:
    for _ in range(ignores.MOST - 1):
        await ignores.set_ignore(store, TWO, who="bob", now=NOW)
    await ignores.set_ignore(store, ONE, who="bob", now=NOW)
    with pytest.raises(Refused, match="already"):
        await ignores.set_ignore(store, ONE, who="bob", now=NOW)
    await ignores.set_ignore(store, ONE, who="bob", now=later(days=1))
