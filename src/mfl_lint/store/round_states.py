"""Rounds that workers carry out, as they stand."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import select

from mfl_lint.core.records import CrawlRecord, CrawlStatus
from mfl_lint.store.crawls import crawl_record, crawls_query
from mfl_lint.store.engine import Store
from mfl_lint.store.queue_tables import parts, rounds
from mfl_lint.store.statements import all_rows, one_row
from mfl_lint.store.tables import crawls

S = TypeVar("S", bound=msgspec.Struct)
RUNNING: Final = crawls.c.status == CrawlStatus.RUNNING.value


class Round(msgspec.Struct, frozen=True):
    """A round as it stands. `host` and `slots` say which locks its jobs take.

    `look`, `detail` and `complete` say how listing the repositories ended.
    """

    crawl_id: int
    registry: str
    host: str
    slots: int
    started_at: datetime
    since: datetime
    planned: bool
    look: str
    detail: str
    complete: bool


class Part(msgspec.Struct, frozen=True):
    """How a repository's crawl ended, as the round's end asks."""

    repository: str
    look: str
    tags: int
    looked: int
    detail: str


def _struct(kind: type[S], row: Any) -> S:
    """Return the value whose fields the row's columns are called by."""
    return kind(**{name: getattr(row, name) for name in kind.__struct_fields__})


async def running(store: Store, crawl_id: int) -> Round | None:
    """Return the round, None where it has ended, or something else crawls the registry now."""
    query = select(rounds).join(crawls, crawls.c.id == rounds.c.crawl_id)
    row = await store.read(one_row, query.where(rounds.c.crawl_id == crawl_id, RUNNING))
    return None if row is None else _struct(Round, row)


async def under_way(store: Store) -> tuple[CrawlRecord, ...]:
    """Return the crawls that workers carry out now."""
    query = crawls_query().join(rounds, rounds.c.crawl_id == crawls.c.id).where(RUNNING)
    return tuple(crawl_record(row) for row in await store.read(all_rows, query))


async def failed_parts(store: Store, crawl_id: int) -> tuple[Part, ...]:
    """Return the repositories that something is to be said of, by name."""
    query = select(*(parts.c[name] for name in Part.__struct_fields__))
    query = query.where(parts.c.crawl_id == crawl_id)
    told = (parts.c.look != "verified") | (parts.c.looked < parts.c.tags)
    rows = await store.read(all_rows, query.where(told).order_by(parts.c.repository))
    return tuple(_struct(Part, row) for row in rows)


async def names(store: Store, crawl_id: int) -> tuple[str, ...]:
    """Return the names of the round's repositories."""
    query = select(parts.c.repository).where(parts.c.crawl_id == crawl_id)
    found = await store.read(all_rows, query.order_by(parts.c.repository))
    return tuple(row.repository for row in found)
