"""Pushes are written down before they happen, and whoever may not know a registry sees none."""

from __future__ import annotations

from msgspec.structs import replace

from mfl_lint.core.digest import digest_of
from mfl_lint.core.pushes import PushRecord
from mfl_lint.store.engine import Store
from mfl_lint.store.pushes import begin_push, end_push, known_push, known_pushes
from tests.store.batches import NOW

OLD, NEW = digest_of(b"old"), digest_of(b"new")
RECORD = PushRecord(NOW, "ada", "here", "team/app", "v1", OLD, '{"digest": "x"}')


async def test_a_push_is_known_from_its_beginning(store: Store) -> None:
    number = await begin_push(store, RECORD)
    known = await known_push(store, number)
    assert known is not None
    assert (RECORD, "begun", None) == (known.record, known.state, known.after)


async def test_its_end_is_written_beside_it(store: Store) -> None:
    number = await begin_push(store, RECORD)
    other = await begin_push(store, replace(RECORD, before=None))
    await end_push(store, number, "pushed", NEW, "")
    known = [await known_push(store, one) for one in (number, other)]
    assert [("pushed", NEW), ("begun", None)] == [(x.state, x.after) for x in known if x]


async def test_pushes_are_listed_newest_first_and_by_pages(store: Store) -> None:
    made = [await begin_push(store, replace(RECORD, tag=f"v{number}")) for number in range(5)]
    first = await known_pushes(store, limit=3)
    assert made[:1:-1] == [one.id for one in first.items]
    rest = await known_pushes(store, first.next_cursor, limit=3)
    assert made[1::-1] == [one.id for one in rest.items]


async def test_pushes_to_a_registry_that_is_hidden_are_not_there(store: Store) -> None:
    number = await begin_push(store, RECORD)
    hidden, seen = store.seeing(frozenset({"other"})), store.seeing(frozenset({"here"}))
    assert None is await known_push(hidden, number)
    assert () == tuple((await known_pushes(hidden)).items)
    assert 1 == len((await known_pushes(seen)).items)
