"""Crawls: one runs per registry, and each tells how far it is."""

from __future__ import annotations

import pytest

from mfl_lint.core.errors import CursorInvalid, StoreError
from mfl_lint.core.records import CrawlRecord, CrawlStatus
from mfl_lint.store import crawls, views
from mfl_lint.store.engine import Store
from tests.store.batches import NOW, crawl, later, lease


async def test_a_new_crawl_interrupts_the_registrys_older_ones_only(store: Store) -> None:
    await lease(store)
    done, killed, other = await crawl(store), await crawl(store), await crawl(store, "two")
    await crawls.finish_crawl(store, other, CrawlStatus.DONE, "", NOW)
    new, other_new = await crawl(store, now=later(hours=1)), await crawl(store, "two")

    page = await crawls.crawls(store)
    statuses = {record.id: record.status for record in page.items}
    expected = {
        done: CrawlStatus.INTERRUPTED,
        killed: CrawlStatus.INTERRUPTED,
        other: CrawlStatus.DONE,
        new: CrawlStatus.RUNNING,
        other_new: CrawlStatus.RUNNING,
    }
    assert expected == statuses


async def test_progress_and_end_are_kept(store: Store) -> None:
    await lease(store)
    number = await crawl(store)
    await crawls.progress(
        store, number, repositories=9, repositories_done=4, tags=100, requests=170
    )
    await crawls.finish_crawl(store, number, CrawlStatus.FAILED, "no answer", later(minutes=2))
    expected = CrawlRecord(
        number, "one", CrawlStatus.FAILED, NOW, later(minutes=2), 9, 4, 100, 170, 0, 0, "no answer"
    )
    assert expected == await crawls.crawl(store, number)
    view = await views.registry(store, "one")
    assert view is not None
    assert expected == view.last_crawl


async def test_crawls_are_paged_newest_first(store: Store) -> None:
    await lease(store)
    numbers = [await crawl(store) for _ in range(5)]
    await crawl(store, "two")
    first = await crawls.crawls(store, "one", limit=3)
    assert numbers[:1:-1] == [record.id for record in first.items]
    second = await crawls.crawls(store, "one", first.next_cursor, 3)
    assert numbers[1::-1] == [record.id for record in second.items]
    assert None is second.next_cursor


async def test_what_does_not_exist_is_none_or_an_error(store: Store) -> None:
    assert None is await crawls.crawl(store, 1)
    with pytest.raises(StoreError, match="knows no registry"):
        await crawl(store)
    with pytest.raises(CursorInvalid):
        await crawls.crawls(store, cursor="x")


async def test_how_a_crawl_ended_is_said_once(store: Store) -> None:
    await lease(store)
    number = await crawl(store)
    for status in (CrawlStatus.INTERRUPTED, CrawlStatus.DONE):
        await crawls.finish_crawl(store, number, status, str(status.value), NOW)
    (ended,) = (await crawls.crawls(store, "one")).items
    assert (CrawlStatus.INTERRUPTED, "interrupted") == (ended.status, ended.problem)
