"""Requests for a look: none is lost, and none is taken twice at a time."""

from __future__ import annotations

import asyncio

from mfl_lint.core.records import LookRequest
from mfl_lint.store import audit, looks
from mfl_lint.store.engine import Store
from tests.store.batches import NOW, later


async def _ask(store: Store, tag: str = "v1") -> bool:
    return await looks.request_look(store, "one", "team/app", tag, NOW, "webhook")


async def test_a_burst_of_requests_is_one(store: Store) -> None:
    asked = await asyncio.gather(*(_ask(store) for _ in range(40)))
    assert 1 == sum(asked)
    taken = await looks.take_looks(store, 10, now=NOW)
    assert (LookRequest(taken[0].id, "one", "team/app", "v1", "webhook", NOW),) == taken


async def test_what_is_asked_while_a_look_runs_waits_for_another_look(store: Store) -> None:
    await _ask(store)
    (first,) = await looks.take_looks(store, 10, now=NOW)
    assert await _ask(store)
    await looks.done_look(store, first.id)
    (second,) = await looks.take_looks(store, 10, now=NOW)
    assert first.id != second.id


async def test_a_taken_request_comes_again_only_if_it_was_not_done_in_time(store: Store) -> None:
    await _ask(store)
    taken = await looks.take_looks(store, 10, now=NOW, lease_s=60.0)
    soon, over = later(seconds=59), later(seconds=60)
    assert () == await looks.take_looks(store, 10, now=soon, lease_s=60.0)
    assert taken == await looks.take_looks(store, 10, now=over, lease_s=60.0)
    await looks.done_look(store, taken[0].id)
    assert () == await looks.take_looks(store, 10, now=later(days=1), lease_s=60.0)


async def test_the_oldest_come_first_and_nobody_gets_anothers(store: Store) -> None:
    for number in range(6):
        await _ask(store, f"v{number}")
    first = await looks.take_looks(store, 2, now=NOW)
    rest = await asyncio.gather(*(looks.take_looks(store, 2, now=NOW) for _ in range(3)))
    assert ["v0", "v1"] == [one.tag for one in first]
    assert ["v2", "v3", "v4", "v5"] == sorted(one.tag for taken in rest for one in taken)


async def test_what_nobody_took_yet_is_shown_to_whom_it_concerns(store: Store) -> None:
    await _ask(store, "v1")
    await looks.request_look(store, "two", "team/app", "", NOW, "asked", who="alice")
    assert ["one", "two"] == [one.registry for one in await looks.pending_looks(store)]
    blind = store.seeing(frozenset({"one"}))
    assert ["one"] == [one.registry for one in await looks.pending_looks(blind)]
    await looks.take_looks(store, 10, now=NOW)
    assert () == await looks.pending_looks(store)


async def test_who_asks_for_a_look_is_written_down_once(store: Store) -> None:
    for _ in range(2):
        await looks.request_look(store, "two", "team/app", "v1", NOW, "asked", who="alice")
    await _ask(store)
    (deed,) = (await audit.deeds(store)).items
    assert ("alice", "scan.ask", "two/team/app:v1") == (deed.who, deed.action, deed.subject)
