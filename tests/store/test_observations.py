"""Recording a batch: everything of it, once, or nothing."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import suppress

import msgspec
import pytest
from sqlalchemy import text as sql

from mfl_lint.config import RegistryConfig
from mfl_lint.core.errors import LeaseLost, StoreError
from mfl_lint.core.observation import LookState
from mfl_lint.core.policy import Severity
from mfl_lint.core.records import Content, CrawlStatus, Lease, Presence
from mfl_lint.core.truth import Change, Settlement, settle_gone
from mfl_lint.store import crawls, dump, findings, leases, observations, registries, views
from mfl_lint.store.engine import Store, open_store
from mfl_lint.store.statements import all_rows
from tests.store.batches import (
    NOW,
    batch,
    content,
    crawl,
    digest,
    entry,
    finding,
    found,
    later,
    lease,
    state,
    write,
)


async def test_a_tag_is_read_as_it_was_recorded(store: Store) -> None:
    held = await lease(store)
    moment = later(microseconds=123_457)
    seen = state("v1", moved_at=moment, missing_since=None, unsettled=True, detail="väl")
    await observations.record(store, held, batch(msgspec.structs.replace(write(), state=seen)))

    assert {"v1": seen} == await observations.known_tags(store, held.repository_id)


async def test_documents_are_kept_byte_by_byte_and_only_once(store: Store) -> None:
    held = await lease(store)
    raw = bytes(range(256)) * 40
    kept = Content(digest("other name"), raw, "application/x")
    again = Content(kept.digest, b"never written", "text/plain")
    await observations.record(store, held, batch(contents=(kept, kept, content("a"))))
    await observations.record(store, held, batch(contents=(again,)))

    wanted = [kept.digest, digest("a"), digest("unknown")]
    expected = {kept.digest: kept, digest("a"): content("a")}
    assert expected == await observations.contents(store, wanted)


async def test_thousands_of_digests_are_asked_for_at_once(store: Store) -> None:
    held = await lease(store)
    many = tuple(content(str(number)) for number in range(2500))
    looks = tuple(Presence(one.digest, LookState.ABSENT, "404", NOW) for one in many)
    seen = msgspec.structs.replace(write(), presences=looks)
    await observations.record(store, held, batch(seen, contents=many))

    digests = [one.digest for one in many]
    assert 2500 == len(await observations.contents(store, digests))
    presences = await observations.presences(store, held.repository_id, digests)
    assert dict(zip(digests, looks, strict=True)) == presences


async def test_the_latest_look_at_a_digest_counts(store: Store) -> None:
    held = await lease(store)
    new = Presence(digest("x"), LookState.ABSENT, "gone", later(minutes=1))
    old = Presence(digest("x"), LookState.VERIFIED, "", NOW)
    seen = msgspec.structs.replace(write(), presences=(new, old))
    await observations.record(store, held, batch(seen))

    assert {new.digest: new} == await observations.presences(
        store, held.repository_id, [new.digest]
    )


async def test_presence_is_per_repository(store: Store) -> None:
    held = await lease(store)
    other = await lease(store, "team/other")
    await observations.record(store, held, batch(write()))

    wanted = [digest("child 0")]
    assert {} == await observations.presences(store, other.repository_id, wanted)


async def test_entries_come_back_with_all_their_fields(store: Store) -> None:
    held = await lease(store)
    bare = entry(0, platform=None, annotations={}, artifact_type="", urls=(), digest=None)
    huge = entry(2, size_bytes=2**63)
    seen = msgspec.structs.replace(write(), entries=(bare, entry(1), huge))
    await observations.record(store, held, batch(seen))

    row = await views.tag(store, "one", "team/app", "v1")
    assert row is not None
    looked = msgspec.structs.replace(entry(1), look=LookState.VERIFIED)
    # What no 64-bit number holds is no usable size.
    assert (bare, looked, entry(2, size_bytes=None)) == row.entries


async def test_history_grows_only_when_the_digest_changes(store: Store) -> None:
    held = await lease(store)
    for minute, text in enumerate(["a", "a", "b", "a"]):
        at = later(minutes=minute)
        seen = write("v1", content=text, looked_at=at)
        await observations.record(store, held, batch(seen, at=at))

    history = await views.tag_history(store, "one", "team/app", "v1")
    expected = [
        (digest("a"), later(minutes=3), None),
        (digest("b"), later(minutes=2), later(minutes=3)),
        (digest("a"), later(minutes=0), later(minutes=2)),
    ]
    assert expected == [(item.digest, item.seen_at, item.until) for item in history]


async def test_a_failed_look_keeps_the_digest_that_was_seen(store: Store) -> None:
    held = await lease(store)
    await observations.record(store, held, batch(write("v1")))
    failed = write("v1", digest=None, look=LookState.UNREACHABLE, summary=None)
    failed = msgspec.structs.replace(failed, entries=None, presences=(), moved=False)
    await observations.record(store, held, batch(failed, at=later(minutes=1)))

    tag = (await observations.known_tags(store, held.repository_id))["v1"]
    assert (digest("v1"), LookState.UNREACHABLE) == (tag.digest, tag.look)


async def test_unchanged_tags_become_looked_at_and_nothing_else(store: Store) -> None:
    held = await lease(store)
    names = [f"v{number}" for number in range(30)]
    await observations.record(store, held, batch(*(write(name) for name in names)))
    at = later(hours=1)
    unchanged = (*names[:20], "never-seen")
    await observations.record(store, held, batch(unchanged=unchanged, at=at))

    tags = await observations.known_tags(store, held.repository_id)
    moved = {name: state(name, looked_at=at, verified_at=at) for name in names[:20]}
    assert moved | {name: state(name) for name in names[20:]} == tags


async def test_each_transition_is_news_once_in_its_order(store: Store) -> None:
    held = await lease(store)
    await observations.record(store, held, batch(write("v1", finding()), write("v2")))
    before = (await findings.tracked(store, held.repository_id, ["v1"]))["v1"]
    gone = found(before=before, at=later(hours=1))
    await observations.record(store, held, batch(write("v1", settlement=gone)))

    rows = await store.read(
        all_rows,
        sql("SELECT transition_id FROM outbox ORDER BY id"),
    )
    news = [row.transition_id for row in rows]
    page = await views.transitions_page(store)
    changes = [(view.transition.change, view.transition.sequence) for view in page.items]
    assert [(Change.RESOLVED, 2), (Change.OPENED, 1)] == changes
    assert [view.transition.id for view in page.items] == news[::-1]


async def test_nothing_is_news_of_a_registry_that_nobody_is_told_of(store: Store) -> None:
    held = await lease(store)
    quiet = [RegistryConfig(name, f"{name}.test") for name in ("one", "two")]
    await registries.sync_registries(store, quiet, NOW, ("two",))
    await observations.record(store, held, batch(write("v1", finding())))
    rows = (await dump.figures(store)).rows
    assert (1, 0) == (rows["transitions"], rows["outbox"])


async def test_who_does_not_tell_takes_nobodys_news_away(store: Store) -> None:
    held = await lease(store)
    await registries.sync_registries(store, [], NOW, only=False)
    quiet = [RegistryConfig(name, f"{name}.test") for name in ("one", "two")]
    await registries.sync_registries(store, quiet, NOW, ("two",), only=False)
    await observations.record(store, held, batch(write("v1", finding())))
    rows = (await dump.figures(store)).rows
    assert (1, 1) == (rows["transitions"], rows["outbox"])


async def test_findings_are_read_as_they_were_recorded_by_tag(store: Store) -> None:
    held = await lease(store)
    named = found(finding("", rule="MFL301", platform="", position=None, digest=None))
    first = write("v1", finding(), finding(rule="MFL201", severity=Severity.WARNING))
    await observations.record(store, held, batch(first, write("v2"), repository_settlement=named))

    everything = {"v1": first.settlement.changed, "": named.changed}
    assert everything == await findings.tracked(store, held.repository_id, None)
    only = await findings.tracked(store, held.repository_id, ["v1", "v2"])
    assert {"v1": first.settlement.changed} == only


async def test_the_same_batch_again_changes_nothing(store: Store) -> None:
    held = await lease(store)
    crawl_id = await crawl(store)
    once = batch(write("v1", finding()), contents=(content("a"),), crawl_id=crawl_id)
    await observations.record(store, held, once)
    before = (await dump.canonical_dump(store), await dump.figures(store))
    await observations.record(store, held, once)

    assert before == (await dump.canonical_dump(store), await dump.figures(store))
    done = await crawls.crawl(store, crawl_id)
    assert done is not None
    assert (1, 0) == (done.opened, done.resolved)
    registry = await views.registry(store, "one")
    assert registry is not None
    assert (1, 1) == (registry.tags, registry.counts.error)
    assert 1 == (await views.days(store))[0].opened


async def test_another_change_under_a_known_number_is_refused_with_all_of_its_batch(
    store: Store,
) -> None:
    held = await lease(store)
    first = write("v1", finding())
    await observations.record(store, held, batch(first))
    before = await dump.canonical_dump(store)
    move = first.settlement.transitions[0]
    other = msgspec.structs.replace(move, change=Change.RESOLVED)
    wrong = Settlement(first.settlement.changed, (other,))
    with pytest.raises(StoreError, match="is stored as opened, not resolved"):
        await observations.record(
            store, held, batch(write("v2"), write("v1", settlement=wrong), contents=(content("x"),))
        )
    renamed = msgspec.structs.replace(move, id="another")
    with pytest.raises(StoreError):
        await observations.record(
            store, held, batch(write("v1", settlement=Settlement((), (renamed,))))
        )
    assert before == await dump.canonical_dump(store)


async def test_a_settlement_decided_before_the_last_change_is_refused(store: Store) -> None:
    held = await lease(store)
    first = write("v1", finding())
    await observations.record(store, held, batch(first))
    gone = settle_gone(first.settlement.changed, reason="deleted", now=later(hours=1))
    await observations.record(store, held, batch(write("v1", settlement=gone)))
    with pytest.raises(StoreError, match="has changed 2 times"):
        await observations.record(store, held, batch(first))


async def test_a_stale_lease_writes_nothing(store: Store) -> None:
    old = await lease(store, holder="first")
    new = await leases.acquire(store, "one", "team/app", "second", 60.0, later(hours=1))
    assert new is not None
    with pytest.raises(LeaseLost):
        await observations.record(store, old, batch(write(), contents=(content("a"),)))
    with pytest.raises(LeaseLost):
        await observations.finish_repository(
            store,
            old,
            look=LookState.VERIFIED,
            detail="",
            siblings_hash="",
            missing_since=None,
            gone_at=None,
            now=NOW,
        )
    with pytest.raises(LeaseLost):
        await observations.unwatch_tags(store, old, ["v1"])
    with pytest.raises(LeaseLost):
        await observations.slice_done(store, old, await crawl(store), 0, 1, 2)

    rows = (await dump.figures(store)).rows
    assert (0, 0, 0) == (rows["tags"], rows["documents"], rows["slices"])
    await observations.record(store, new, batch(write()))


async def test_progress_by_slice_is_kept(store: Store) -> None:
    held = await lease(store)
    crawl_id = await crawl(store)
    for done in (10, 20):
        await observations.slice_done(store, held, crawl_id, 0, done, 30)

    rows = await store.read(all_rows, sql("SELECT slice_no, done, total FROM slices"))
    assert [(0, 20, 30)] == [tuple(row) for row in rows]


async def test_the_end_of_a_repository_is_kept(store: Store) -> None:
    held = await lease(store)
    at = later(minutes=5)
    await observations.finish_repository(
        store,
        held,
        look=LookState.ABSENT,
        detail="404 NAME_UNKNOWN",
        siblings_hash="abc",
        missing_since=NOW,
        gone_at=at,
        now=at,
    )
    found = await registries.repository(store, "one", "team/app")
    assert found is not None
    ended = (found.look, found.detail, found.siblings_hash, found.missing_since, found.gone_at)
    assert (LookState.ABSENT, "404 NAME_UNKNOWN", "abc", NOW, at) == ended
    registry = await views.registry(store, "one")
    assert registry is not None
    assert 0 == registry.repositories


async def test_beside_what_tags_were_judged_is_kept(store: Store) -> None:
    held = await lease(store)
    await observations.set_siblings_hash(store, held, "abc")
    found = await registries.repository(store, "one", "team/app")
    assert found is not None
    assert "abc" == found.siblings_hash


async def test_what_no_database_takes_is_replaced_and_the_rest_is_kept(store: Store) -> None:
    held = await lease(store)
    wicked = "a\ud800b\x00c\U0001f600"
    kept = "a\ufffdb\ufffdc\U0001f600"
    told = finding(message=wicked, fix=wicked, platform=wicked, fingerprint="f" * 64)
    annotated = entry(0, annotations={wicked: wicked}, artifact_type=wicked, urls=(wicked,))
    seen = msgspec.structs.replace(write("v1", told, detail=wicked), entries=(annotated,))
    await observations.record(store, held, batch(seen))

    row = await views.tag(store, "one", "team/app", "v1")
    assert row is not None
    assert kept == row.state.detail
    assert kept == row.findings[0].finding.message
    descriptor = row.entries[0].descriptor
    assert (kept, {kept: kept}, (kept,)) == (
        descriptor.artifact_type,
        descriptor.annotations,
        descriptor.urls,
    )


async def test_a_cancelled_batch_is_there_whole_or_not_at_all(
    url: str, count: Callable[[int], int], seed: int
) -> None:
    dice = random.Random(seed)
    tries = count(300)
    async with open_store(url) as store:
        held = await lease(store)
        usual = await _time_of_a_batch(store, held)
        for number in range(tries):
            many = tuple(content(f"{number}/{part}") for part in range(20))
            name = f"v{number}"
            told = batch(write(name, finding(name)), contents=many)
            with suppress(TimeoutError):
                async with asyncio.timeout(dice.uniform(0, 2 * usual)):
                    await observations.record(store, held, told)
    # Closing waited for what was begun.
    async with open_store(url) as store:
        rows = (await dump.figures(store)).rows
        registry = await views.registry(store, "one")
    whole = {"tags": 1, "documents": 20, "findings": 1, "transitions": 1, "outbox": 1}
    assert {name: rows["tags"] * share for name, share in whole.items()} == {
        name: rows[name] for name in whole
    }
    assert registry is not None
    assert (rows["tags"], rows["tags"]) == (registry.tags, registry.counts.error)
    assert 1 < rows["tags"] <= 1 + tries


async def _time_of_a_batch(store: Store, held: Lease) -> float:
    """Return how many seconds a batch like those that are cancelled takes here."""
    many = tuple(content(f"first/{part}") for part in range(20))
    before = time.perf_counter()
    await observations.record(store, held, batch(write("v", finding("v")), contents=many))
    return time.perf_counter() - before


async def test_repositories_are_recorded_side_by_side(store: Store) -> None:
    shared = tuple(content(str(number)) for number in range(100))
    held = [await lease(store, f"team/{number}") for number in range(6)]

    async def one(number: int) -> None:
        place = f"team/{number}"
        for tag in range(5):
            told = write(f"v{tag}", finding(f"v{tag}", repository=place))
            mixed = random.Random(number).sample(shared, len(shared))
            await observations.record(store, held[number], batch(told, contents=tuple(mixed)))

    await asyncio.gather(*(one(number) for number in range(6)))
    registry = await views.registry(store, "one")
    assert registry is not None
    assert (30, 30) == (registry.tags, registry.counts.error)
    assert 100 == (await dump.figures(store)).rows["documents"]


async def test_a_finished_crawl_tells_what_it_changed(store: Store) -> None:
    held = await lease(store)
    crawl_id = await crawl(store)
    await observations.record(store, held, batch(write("v1", finding()), crawl_id=crawl_id))
    await crawls.finish_crawl(store, crawl_id, CrawlStatus.DONE, "", later(minutes=1))
    done = await crawls.crawl(store, crawl_id)
    assert done is not None
    assert (CrawlStatus.DONE, 1, 0) == (done.status, done.opened, done.resolved)
