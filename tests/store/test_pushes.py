"""Pushes are written down before they happen, and whoever may not know a registry sees none."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from mfl_lint.core.digest import digest_of
from mfl_lint.core.pushes import PushEnd, PushRecord
from mfl_lint.store import observations
from mfl_lint.store.engine import Store
from mfl_lint.store.pushes import begin_push, end_push, known_push, known_pushes
from tests.store.batches import NOW, batch, later, lease, write

OLD, NEW = digest_of(b"old"), digest_of(b"new")
RECORD = PushRecord(NOW, "ada", "here", "team/app", "v1", OLD, '{"digest": "x"}')


async def test_a_push_is_known_from_its_beginning(store: Store) -> None:
    (number,) = await begin_push(store, RECORD)
    known = await known_push(store, number)
    assert known is not None
    assert (RECORD, "begun", None) == (known.record, known.state, known.after)


async def test_its_end_is_written_beside_it(store: Store) -> None:
    number, other = await begin_push(store, RECORD, replace(RECORD, before=None))
    await end_push(store, PushEnd(number, "pushed", NEW))
    known = [await known_push(store, one) for one in (number, other)]
    assert [("pushed", NEW), ("begun", None)] == [(x.state, x.after) for x in known if x]


async def test_pushes_are_listed_newest_first_and_by_pages(store: Store) -> None:
    records = [replace(RECORD, tag=f"v{number}") for number in range(5)]
    made = await begin_push(store, *records)
    first = await known_pushes(store, limit=3)
    assert list(made[:1:-1]) == [one.id for one in first.items]
    rest = await known_pushes(store, first.next_cursor, limit=3)
    assert list(made[1::-1]) == [one.id for one in rest.items]


async def test_pushes_to_a_registry_that_is_hidden_are_not_there(store: Store) -> None:
    (number,) = await begin_push(store, RECORD)
    hidden, seen = store.seeing(frozenset({"other"})), store.seeing(frozenset({"here"}))
    assert None is await known_push(hidden, number)
    assert () == tuple((await known_pushes(hidden)).items)
    assert 1 == len((await known_pushes(seen)).items)


async def test_a_push_after_which_the_tag_was_pushed_again_is_overtaken(store: Store) -> None:
    first, other, failed, again = await begin_push(
        store, RECORD, replace(RECORD, tag="v2"), RECORD, replace(RECORD, before=NEW)
    )
    await end_push(store, PushEnd(first, "pushed", NEW), PushEnd(other, "pushed", NEW))
    await end_push(store, PushEnd(failed, "refused", NEW))
    assert [False] * 4 == [one.overtaken for one in (await known_pushes(store)).items]
    await end_push(store, PushEnd(again, "pushed", OLD))
    overtaken = {one.id for one in (await known_pushes(store)).items if one.overtaken}
    assert {first, failed} == overtaken


@pytest.mark.parametrize(("after_s", "overtaken"), [(0, False), (1, True)])
async def test_a_push_after_which_the_tag_was_seen_to_be_something_else_is_overtaken(
    store: Store, after_s: int, overtaken: bool
) -> None:
    held = await lease(store)
    at = later(seconds=after_s)
    await observations.record(store, held, batch(write("v1", verified_at=at), at=at))
    (number,) = await begin_push(store, replace(RECORD, registry="one"))
    await end_push(store, PushEnd(number, "pushed", NEW))
    known = await known_push(store, number)
    assert known is not None
    assert overtaken is known.overtaken
