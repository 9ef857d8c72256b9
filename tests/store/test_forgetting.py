"""What of alerts is old is forgotten; what is young, or holds, is not."""

from __future__ import annotations

from mfl_lint.core.policy import Ignore
from mfl_lint.store import dump, forgetting, handling, ignores
from mfl_lint.store.engine import Store
from mfl_lint.store.inserts import insert_all
from mfl_lint.store.tables import ignores as table_of_ignores
from tests.store.batches import NOW, later


def ending(days: float | None) -> Ignore:
    return Ignore(
        "MFL101", "known", "one", "team/*", "*", None if days is None else later(days=days)
    )


async def test_silences_and_ignores_that_are_long_over_are_forgotten(store: Store) -> None:
    for days in (1.0, 2.0, 3.0):
        await handling.set_silence(store, ending(days), who="ann", now=NOW)
        await ignores.set_ignore(store, ending(days), who="ann", now=NOW)
    await ignores.set_ignore(store, ending(None), who="ann", now=NOW)
    assert 4 == await forgetting.forget(store, later(days=2.5), later(days=2.5))
    assert 0 == await forgetting.forget(store, later(days=2.5), later(days=2.5))
    rows = (await dump.figures(store)).rows
    assert (1, 2) == (rows["silences"], rows["ignores"])


async def test_many_are_forgotten_in_several_turns(store: Store) -> None:
    place = {"rule": "MFL101", "registry": "one", "repository": "*", "tag": "*"}
    row = {**place, "reason": "known", "who": "ann", "created_at": NOW, "expires": later(days=1)}
    await store.write(insert_all, table_of_ignores, [row] * (forgetting.AT_ONCE + 1))
    told = [await forgetting.forget(store, later(days=2), NOW) for _ in range(3)]
    assert [forgetting.AT_ONCE, 1, 0] == told
