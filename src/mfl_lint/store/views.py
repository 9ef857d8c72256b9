"""What pages, the API and the command line show: places here, findings in `view_findings`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Select, bindparam, func, select, true

from mfl_lint.core.observation import LookState
from mfl_lint.core.records import CrawlRecord
from mfl_lint.core.views import HistoryItem, Page, RegistryView, RepositoryView, TagRow
from mfl_lint.store import tables
from mfl_lint.store.crawls import crawl_record, crawls_query
from mfl_lint.store.cursors import page, read_cursor
from mfl_lint.store.engine import Store
from mfl_lint.store.prepared import Prepared, among
from mfl_lint.store.rows import counts
from mfl_lint.store.statements import Sighted, all_rows, matches, visible
from mfl_lint.store.tag_details import with_details
from mfl_lint.store.view_changes import transitions_page
from mfl_lint.store.view_findings import (
    days,
    findings_page,
    rule_counts,
)

__all__ = [
    "days",
    "findings_page",
    "registries",
    "registry",
    "repositories_page",
    "repository_view",
    "rule_counts",
    "tag",
    "tag_history",
    "tag_rows",
    "tags_of",
    "transitions_page",
]

_REGISTRIES: Final = tables.registries
_REPOSITORIES: Final = tables.repositories
_TAGS: Final = tables.tags


_ALL: Final = Sighted(select(_REGISTRIES).order_by(_REGISTRIES.c.name))
_ONE: Final = Sighted(select(_REGISTRIES).where(_REGISTRIES.c.name == bindparam("name")))
_NEWEST: Final = (
    select(func.max(tables.crawls.c.id))
    .where(among(tables.crawls.c.registry_id, "ids"))
    .group_by(tables.crawls.c.registry_id)
)
_LAST: Final = Prepared(crawls_query().where(tables.crawls.c.id.in_(_NEWEST)))


async def registries(store: Store) -> tuple[RegistryView, ...]:
    """Return all registries by name, unwatched ones too."""
    return await store.read(_registries, _ALL, store.sees)


async def registry(store: Store, name: str) -> RegistryView | None:
    """Return one registry."""
    found = await store.read(_registries, _ONE, store.sees, name=name)
    return found[0] if found else None


def _registries(
    connection: Connection, query: Sighted, sees: frozenset[str] | None, /, **given: object
) -> tuple[RegistryView, ...]:
    rows = query.rows(connection, sees, **given)
    crawled = _last_crawls(connection, [row.id for row in rows])
    return tuple(
        RegistryView(
            name=row.name,
            host=row.host,
            watched=row.watched,
            repositories=row.repositories,
            tags=row.tags,
            counts=counts(row),
            notice=row.notice,
            last_crawl=crawled.get(row.id),
        )
        for row in rows
    )


def _last_crawls(connection: Connection, ids: Sequence[int]) -> dict[int, CrawlRecord]:
    rows = _LAST.rows(connection, ids=ids) if ids else ()
    return {row.registry_id: crawl_record(row) for row in rows}


def _repositories(registry: Any) -> Select[Any]:
    """Return the query of a registry's repositories."""
    named = _REGISTRIES.alias("named")
    # A value, not a join: PostgreSQL then reads them in the order of their index, and ends early.
    number = select(named.c.id).where(named.c.name == registry).scalar_subquery()
    return (
        select(_REPOSITORIES, _REGISTRIES.c.name.label("registry"))
        .join(_REGISTRIES, _REGISTRIES.c.id == _REPOSITORIES.c.registry_id)
        .where(_REPOSITORIES.c.registry_id == number)
    )


def _repository(row: Any) -> RepositoryView:
    return RepositoryView(
        registry=row.registry,
        name=row.name,
        tags=row.tags,
        counts=counts(row),
        watched=row.watched,
        look=None if row.look is None else LookState(row.look),
        detail=row.detail,
        last_crawled_at=row.last_crawled_at,
    )


async def repositories_page(
    store: Store,
    registry: str,
    *,
    glob: str = "",
    cursor: str | None = None,
    limit: int = 50,
    everything: bool = False,
) -> Page[RepositoryView]:
    """Return the registry's repositories by name; `everything`: unwatched and gone ones too."""
    table = _REPOSITORIES
    query = visible(store.sees, _repositories(registry)).order_by(table.c.name).limit(limit + 1)
    if not everything:
        query = query.where(table.c.watched.is_(true()), table.c.gone_at.is_(None))
    if glob:
        query = query.where(matches(store.dialect, table.c.name, glob))
    if cursor is not None:
        query = query.where(table.c.name > read_cursor(cursor, str)[0])
    rows = await store.read(all_rows, query)
    return page(rows, limit, _repository, lambda row: (row.name,))


async def repository_view(store: Store, registry: str, name: str) -> RepositoryView | None:
    """Return one repository, also if it is unwatched or gone."""
    rows = await store.read(_REPOSITORY.rows, store.sees, registry=registry, repository=name)
    return _repository(rows[0]) if rows else None


_REPOSITORY: Final = Sighted(
    _repositories(bindparam("registry")).where(_REPOSITORIES.c.name == bindparam("repository"))
)


def tags_of(registry: Any, repository: Any) -> Select[Any]:
    """Return the query of a repository's tags."""
    return (
        select(_TAGS)
        .join(_REPOSITORIES, _REPOSITORIES.c.id == _TAGS.c.repository_id)
        .join(_REGISTRIES, _REGISTRIES.c.id == _REPOSITORIES.c.registry_id)
        .where(_REGISTRIES.c.name == registry, _REPOSITORIES.c.name == repository)
    )


async def tag_rows(
    store: Store,
    registry: str,
    repository: str,
    *,
    glob: str = "",
    cursor: str | None = None,
    limit: int = 50,
    everything: bool = False,
) -> Page[TagRow]:
    """Return the tags, `latest` first, then versions, newest first, then others by name.

    `everything`: unwatched and gone ones too.
    """
    query = visible(store.sees, tags_of(registry, repository)).order_by(
        _TAGS.c.sort_key, _TAGS.c.name
    )
    if not everything:
        query = query.where(_TAGS.c.watched.is_(true()), _TAGS.c.gone_at.is_(None))
    if glob:
        query = query.where(matches(store.dialect, _TAGS.c.name, glob))
    if cursor is not None:
        key, name = read_cursor(cursor, str, str)
        behind = (_TAGS.c.sort_key == key) & (_TAGS.c.name > name)
        query = query.where((_TAGS.c.sort_key > key) | behind)
    rows, full = await store.read(_detailed, query.limit(limit + 1), limit)
    return page(rows, limit, lambda row: full[row.id], lambda row: (row.sort_key, row.name))


async def tag(store: Store, registry: str, repository: str, tag: str) -> TagRow | None:
    """Return one tag, also if it is unwatched or gone."""
    query = visible(store.sees, tags_of(registry, repository)).where(_TAGS.c.name == tag)
    rows, full = await store.read(_detailed, query, 1)
    return full[rows[0].id] if rows else None


def _detailed(
    connection: Connection, query: Select[Any], limit: int
) -> tuple[Sequence[Any], dict[int, TagRow]]:
    """Return the query's rows, and the first of them with their details, in one transaction."""
    rows = connection.execute(query).all()
    return rows, with_details(connection, rows[:limit])


async def tag_history(
    store: Store, registry: str, repository: str, tag: str, limit: int = 50
) -> tuple[HistoryItem, ...]:
    """Return what the tag pointed at, newest first."""
    history = tables.tag_history
    query = (
        select(history.c.digest, history.c.seen_at)
        .join(_TAGS, _TAGS.c.id == history.c.tag_id)
        .join(_REPOSITORIES, _REPOSITORIES.c.id == _TAGS.c.repository_id)
        .join(_REGISTRIES, _REGISTRIES.c.id == _REPOSITORIES.c.registry_id)
        .where(_REGISTRIES.c.name == registry, _REPOSITORIES.c.name == repository)
        .where(_TAGS.c.name == tag)
        .order_by(history.c.id.desc())
        .limit(limit)
    )
    rows = await store.read(all_rows, visible(store.sees, query))
    ends = [None, *(row.seen_at for row in rows)]
    return tuple(
        HistoryItem(row.digest, row.seen_at, end) for row, end in zip(rows, ends, strict=False)
    )
