"""Requests for a look: none is lost, and none is taken twice at a time."""

from __future__ import annotations

import asyncio

import pytest

from mfl_lint.core.records import ASKED, WEBHOOK, LookRequest
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
    await looks.done_looks(store, [first.id])
    (second,) = await looks.take_looks(store, 10, now=NOW)
    assert first.id != second.id


async def test_a_taken_request_comes_again_only_if_it_was_not_done_in_time(store: Store) -> None:
    await _ask(store)
    taken = await looks.take_looks(store, 10, now=NOW, lease_s=60.0)
    soon, over = later(seconds=59), later(seconds=60)
    assert () == await looks.take_looks(store, 10, now=soon, lease_s=60.0)
    assert taken == await looks.take_looks(store, 10, now=over, lease_s=60.0)
    await looks.done_looks(store, [taken[0].id])
    assert () == await looks.take_looks(store, 10, now=later(days=1), lease_s=60.0)


async def test_a_look_that_waits_is_made_as_thoroughly_as_anybody_asks_for(store: Store) -> None:
    for reason in (WEBHOOK, ASKED, WEBHOOK):
        await looks.request_look(store, "one", "team/app", "v1", NOW, reason)
    assert [True] == [one.rechecks for one in await looks.pending_looks(store)]


@pytest.mark.parametrize("tag", ["", "v1"])
@pytest.mark.parametrize("again", [looks.THROTTLED, looks.AGAIN])
@pytest.mark.parametrize("other", [WEBHOOK, looks.HOT, looks.AGAIN, looks.THROTTLED, ASKED])
async def test_what_failed_and_was_to_be_thorough_stays_so_with_whatever_else_is_asked_for(
    store: Store, other: str, again: str, tag: str
) -> None:
    mine = looks.again(again, thoroughly=True)
    for at, reasons in enumerate([(mine, other), (other, mine)]):
        for reason in reasons:
            await looks.request_look(store, "one", f"team/{at}", tag, NOW, reason)
    found = await looks.pending_looks(store)
    assert [True, True] == [one.rechecks for one in found]
    # What could not wait does not wait now.
    waits = other in looks.PATIENT
    assert [waits, waits] == [one.reason in looks.PATIENT for one in found]


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


async def test_what_was_asked_for_of_registries_that_are_no_more_is_forgotten_in_time(
    store: Store,
) -> None:
    await looks.request_look(store, "one", "team/app", "v1", NOW, WEBHOOK)
    await looks.request_look(store, "two", "team/app", "v1", NOW, WEBHOOK)
    await looks.request_look(store, "two", "team/app", "v2", later(hours=1), WEBHOOK)
    assert 1 == await looks.forget_looks(store, ["one"], later(minutes=1))
    left = [(one.registry, one.tag) for one in await looks.pending_looks(store)]
    assert [("one", "v1"), ("two", "v2")] == left


async def test_who_asks_for_a_look_is_written_down_once(store: Store) -> None:
    for _ in range(2):
        await looks.request_look(store, "two", "team/app", "v1", NOW, "asked", who="alice")
    await _ask(store)
    (deed,) = (await audit.deeds(store)).items
    assert ("alice", "scan.ask", "two/team/app:v1") == (deed.who, deed.action, deed.subject)


async def test_many_looks_are_asked_for_at_once_and_each_only_once(store: Store) -> None:
    tags = ["v1", "v2", "v1", "v2", "v3"]
    wanted = [looks.Wanted("one", "team/app", tag) for tag in tags]
    assert 3 == await looks.request_looks(store, wanted, NOW, "webhook")
    assert 0 == await looks.request_looks(store, wanted, NOW, "webhook")
    assert ["v1", "v2", "v3"] == [one.tag for one in await looks.pending_looks(store)]


async def test_nothing_is_taken_of_a_repository_that_is_looked_at(store: Store) -> None:
    await _ask(store)
    await looks.request_look(store, "one", "team/other", "", NOW, "webhook")
    busy = [("one", "team/app"), ("two", "team/other")]
    taken = await looks.take_looks(store, 10, now=NOW, besides=busy)
    assert ["team/other"] == [one.repository for one in taken]


async def test_what_a_killed_process_took_is_free_at_once(store: Store) -> None:
    for tag, holder in (("v1", "dead"), ("v2", "alive")):
        await _ask(store, tag)
        assert await looks.take_looks(store, 10, now=NOW, holder=holder)
    await _ask(store, "v1")
    assert 1 == await looks.free_looks(store, lambda holder: holder == "dead", NOW)
    taken = await looks.take_looks(store, 10, now=NOW, holder="next")
    assert ["v1", "v1"] == [one.tag for one in taken]
    assert 0 == await looks.free_looks(store, lambda holder: holder == "dead", NOW)


async def test_whoever_crawls_a_repository_hears_which_tags_are_asked_for(store: Store) -> None:
    for tag in ("v1", "v2", ""):
        await _ask(store, tag)
    await looks.request_look(store, "one", "team/other", "v3", NOW, "webhook")
    first, second = await looks.asked_tags(store, "one", "team/app", after=0)
    assert ("v1", "v2") == (first.tag, second.tag)
    await looks.take_looks(store, 10, now=NOW)
    assert (second,) == await looks.asked_tags(store, "one", "team/app", after=first.id)


@pytest.mark.parametrize("before", ["throttled", "again", "hot"])
async def test_what_could_have_waited_waits_no_more_once_somebody_asks_for_it(
    store: Store, before: str
) -> None:
    heard = list[tuple[str, ...]]()
    store.asked = lambda _, places, reason: heard.append((*places[0], reason))
    place = ("one", "team/app", "v1")
    assert await looks.request_look(store, *place, NOW, before)
    assert await looks.request_look(store, *place, later(seconds=5), "webhook")
    for reason in ("webhook", before):
        assert not await looks.request_look(store, *place, later(seconds=9), reason)
    (pending,) = await looks.pending_looks(store)
    assert ("webhook", later(seconds=5)) == (pending.reason, pending.requested_at)
    reasons = [before, "webhook", "webhook", before]
    assert [("one", "team/app", reason) for reason in reasons] == heard
