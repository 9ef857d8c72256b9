"""Rounds that are over leave nothing behind, and keep nobody waiting while they go."""

from __future__ import annotations

from sqlalchemy import func, select, text

from mfl_lint.config import RegistryConfig
from mfl_lint.core.records import CrawlStatus
from mfl_lint.store import crawls, registries, round_states, rounds
from mfl_lint.store.engine import Store
from mfl_lint.store.leading import Candidate
from mfl_lint.store.queue import Queue
from mfl_lint.store.queue_tables import QUEUE_SCHEMA, parts
from mfl_lint.store.statements import one_row, run
from tests.store.batches import NOW, later

MANY = 4001
_LISTED = text(
    f"INSERT INTO {QUEUE_SCHEMA}.parts (crawl_id, repository)"
    " SELECT :crawl_id, at::text FROM generate_series(1, :many) AS at"
)
_COUNT = select(func.count().label("number")).select_from(parts)


async def left(store: Store) -> int:
    row = await store.read(one_row, _COUNT)
    return int(row.number) if row is not None else 0


async def listed(store: Store, crawl_id: int) -> None:
    """Note many repositories of a round."""
    await store.write(run, _LISTED.bindparams(crawl_id=crawl_id, many=MANY))


async def test_repositories_of_a_round_that_nobody_knows_any_more_go_by_and_by(
    queued_store: Store, fresh_postgresql: str
) -> None:
    store, candidate = queued_store, Candidate(fresh_postgresql, "one")
    fence = candidate.ask(NOW) or 0
    await registries.sync_registries(store, [RegistryConfig("here", "localhost:5000")], NOW)
    await listed(store, 0)
    under_way = await rounds.open_round(store, Queue(), fence, ("here", "localhost:5000", 1), NOW)
    assert under_way is not None
    await listed(store, under_way)
    counts = []
    for _ in range(4):
        await rounds.mend_rounds(store, Queue(), fence)
        counts.append(await left(store) - MANY)
    assert [MANY - 2000, MANY - 4000, 0, 0] == counts
    await rounds.forget(store, under_way)
    assert 0 == await left(store)
    candidate.close()


async def test_a_round_begins_after_the_last_one_has_ended_whatever_the_clocks_say(
    queued_store: Store, fresh_postgresql: str
) -> None:
    store, candidate = queued_store, Candidate(fresh_postgresql, "one")
    fence, place = candidate.ask(NOW) or 0, ("here", "localhost:5000", 1)
    await registries.sync_registries(store, [RegistryConfig("here", "localhost:5000")], NOW)
    first = await rounds.open_round(store, Queue(), fence, place, NOW)
    await crawls.finish_crawl(store, first or 0, CrawlStatus.DONE, "", later(seconds=2))
    second = await rounds.open_round(store, Queue(), fence, place, later(seconds=1))
    assert later(seconds=2) == (await crawls.crawls(store)).items[0].started_at
    round_ = await round_states.running(store, second or 0)
    assert round_ is not None
    assert later(seconds=2) == round_.started_at
    candidate.close()
