"""Crawls and their progress."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Update, false, insert, select, update

from mfl_lint.core.records import CrawlRecord, CrawlStatus
from mfl_lint.core.views import Page
from mfl_lint.store import tables
from mfl_lint.store.cursors import page, read_cursor
from mfl_lint.store.engine import Store
from mfl_lint.store.revisions import touch
from mfl_lint.store.statements import all_rows, one_row, registry_id, visible
from mfl_lint.store.tables import registries

_CRAWLS = tables.crawls


async def start_crawl(store: Store, registry: str, now: datetime, *, partial: bool = False) -> int:
    """Return the id of a new running crawl; the registry's older running ones are interrupted.

    `partial`: it is of some repositories only, and runs beside others.
    """
    return await store.write(begin_crawl, registry, now, partial=partial)


def begin_crawl(connection: Connection, registry: str, now: datetime, *, partial: bool) -> int:
    """Do what `start_crawl` does in a transaction that does more."""
    above = registry_id(connection, registry)
    running = _CRAWLS.c.status == CrawlStatus.RUNNING.value
    older = update(_CRAWLS).where(_CRAWLS.c.registry_id == above, running)
    if not partial:
        connection.execute(older.values(status=CrawlStatus.INTERRUPTED.value, finished_at=now))
    new = insert(_CRAWLS).values(
        registry_id=above, status=CrawlStatus.RUNNING.value, started_at=now, partial=partial
    )
    number = int(connection.execute(new.returning(_CRAWLS.c.id)).scalar_one())
    touch(connection, above)
    return number


async def progress(
    store: Store,
    crawl_id: int,
    *,
    repositories: int,
    repositories_done: int,
    tags: int,
    requests: int,
) -> None:
    """Write how far a crawl is: totals, not increments."""
    change = update(_CRAWLS).where(_CRAWLS.c.id == crawl_id)
    change = change.values(
        repositories=repositories,
        repositories_done=repositories_done,
        tags=tags,
        requests=requests,
    )
    await store.write(_change, change)


async def finish_crawl(
    store: Store, crawl_id: int, status: CrawlStatus, problem: str, now: datetime
) -> None:
    """Write how a crawl ended, unless that is known: something else may have broken it off."""
    running = _CRAWLS.c.status == CrawlStatus.RUNNING.value
    change = update(_CRAWLS).where(_CRAWLS.c.id == crawl_id, running)
    change = change.values(status=status.value, problem=problem, finished_at=now)
    await store.write(_change, change)


def _change(connection: Connection, change: Update) -> None:
    above = connection.scalar(change.returning(_CRAWLS.c.registry_id))
    if above is not None:
        touch(connection, above)


def crawls_query() -> Select[Any]:
    """Return the query of crawls with their registries' names, newest first."""
    return (
        select(_CRAWLS, registries.c.name.label("registry"))
        .join(registries, registries.c.id == _CRAWLS.c.registry_id)
        .order_by(_CRAWLS.c.id.desc())
    )


def crawl_record(row: Any) -> CrawlRecord:
    """Return the crawl of a row."""
    return CrawlRecord(
        id=row.id,
        registry=row.registry,
        status=CrawlStatus(row.status),
        started_at=row.started_at,
        finished_at=row.finished_at,
        repositories=row.repositories,
        repositories_done=row.repositories_done,
        tags=row.tags,
        requests=row.requests,
        opened=row.opened,
        resolved=row.resolved,
        problem=row.problem,
        partial=row.partial,
    )


async def crawls(
    store: Store,
    registry: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
    *,
    whole: bool = False,
) -> Page[CrawlRecord]:
    """Return the crawls, newest first, of one registry or of all; `whole` = no partial ones."""
    query = visible(store.sees, crawls_query())
    if whole:
        query = query.where(_CRAWLS.c.partial.is_(false()))
    if registry is not None:
        query = query.where(registries.c.name == registry)
    if cursor is not None:
        query = query.where(_CRAWLS.c.id < read_cursor(cursor, int)[0])
    rows = await store.read(all_rows, query.limit(limit + 1))
    return page(rows, limit, crawl_record, lambda row: (row.id,))


async def crawl(store: Store, id: int) -> CrawlRecord | None:  # noqa: A002  # the field's word
    """Return one crawl."""
    query = visible(store.sees, crawls_query()).where(_CRAWLS.c.id == id)
    row = await store.read(one_row, query)
    return None if row is None else crawl_record(row)
