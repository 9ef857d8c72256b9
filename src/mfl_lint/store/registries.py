"""Registries and repositories: what is watched."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Executable, Select, bindparam, func, select, true, update

from mfl_lint.config import RegistryConfig
from mfl_lint.core.observation import LookState
from mfl_lint.core.records import RepositoryState
from mfl_lint.core.rule import TagSummary
from mfl_lint.store import tables
from mfl_lint.store.counters import COLUMNS, Tally, add_to_registry, count_standing
from mfl_lint.store.engine import Store
from mfl_lint.store.inserts import Rows, insert_new, upsert
from mfl_lint.store.rows import summary
from mfl_lint.store.statements import (
    Sighted,
    all_rows,
    chunks,
    fetch_in,
    registry_id,
    run,
    visible,
)

_REPOSITORIES = tables.repositories
_REGISTRIES = tables.registries
_NEXT = {"revision": _REGISTRIES.c.revision + 1}


async def sync_registries(
    store: Store,
    registries: Sequence[RegistryConfig],
    now: datetime,
    announced: Collection[str] = (),
    *,
    only: bool = True,
) -> None:
    """Make these registries the watched ones; others become unwatched, nothing else changes.

    What changes in those that are `announced` is news from now on. What changes in others is none
    any more, unless it is not said that they are the `only` ones: then these stay as they are.
    """
    names = [registry.name for registry in registries]
    rows = [
        {
            "name": one.name,
            "host": one.host,
            "watched": True,
            "first_seen_at": now,
        }
        for one in sorted(registries, key=lambda registry: registry.name)
    ]
    leaving = update(_REGISTRIES).where(_REGISTRIES.c.name.not_in(names))
    leaving = leaving.values(watched=False, **_NEXT)
    await store.write(_sync_registries, leaving, rows, announced, only)


def _sync_registries(
    connection: Connection, leaving: Executable, rows: Rows, announced: Collection[str], only: bool
) -> None:
    connection.execute(leaving)
    upsert(connection, _REGISTRIES, rows, unique=("name",), kept=("first_seen_at",))
    named = _REGISTRIES.c.name.in_([row["name"] for row in rows])
    connection.execute(update(_REGISTRIES).where(named).values(_NEXT))
    told = _REGISTRIES.c.name.in_(announced)
    change = update(_REGISTRIES) if only else update(_REGISTRIES).where(told)
    connection.execute(change.values(announced=told))


async def set_notice(store: Store, registry: str, text: str, now: datetime) -> None:
    """Set the one line that stands for all below the registry; "" takes it away."""
    change = update(_REGISTRIES).where(_REGISTRIES.c.name == registry, _REGISTRIES.c.notice != text)
    await store.write(run, change.values(notice=text, notice_at=now if text else None, **_NEXT))


def insert_repositories(
    connection: Connection, above: int, names: Iterable[str], now: datetime
) -> bool:
    """Insert the repositories that are new to the registry, watched; say whether there were any."""
    known = select(_REPOSITORIES.c.name).where(_REPOSITORIES.c.registry_id == above)
    wanted = dict.fromkeys(names)
    found = {row.name for row in fetch_in(connection, known, _REPOSITORIES.c.name, wanted)}
    rows = [
        {"registry_id": above, "name": name, "first_seen_at": now}
        for name in sorted(wanted.keys() - found)
    ]
    insert_new(connection, _REPOSITORIES, rows, unique=("registry_id", "name"))
    return bool(rows)


def recount_repositories(connection: Connection, above: int) -> None:
    """Write how many watched repositories the registry has that are not gone."""
    here = _REPOSITORIES.c.registry_id == above
    counted = here & _REPOSITORIES.c.watched.is_(true()) & _REPOSITORIES.c.gone_at.is_(None)
    number = select(func.count()).select_from(_REPOSITORIES).where(counted).scalar_subquery()
    change = update(_REGISTRIES).where(_REGISTRIES.c.id == above)
    connection.execute(change.values(repositories=number, **_NEXT))


async def sync_repositories(
    store: Store,
    registry: str,
    names: Sequence[str],
    *,
    unwatch: Sequence[str] = (),
    now: datetime,
) -> None:
    """Make `names` watched, new ones too, and `unwatch` unwatched. Others stay as they are.

    `unwatch` are those that left the configuration; leaving the listing unwatches nothing.
    """
    await store.write(_sync, registry, names, set(unwatch) - set(names), now)


def _sync(
    connection: Connection,
    registry: str,
    names: Sequence[str],
    unwatch: Iterable[str],
    now: datetime,
) -> None:
    above = registry_id(connection, registry)
    tally = Tally()
    _watch(connection, above, names, True, tally)
    _watch(connection, above, unwatch, False, tally)
    new = insert_repositories(connection, above, names, now)
    if tally.flips:
        add_to_registry(connection, above, tally, now)
    if tally.flips or new:
        recount_repositories(connection, above)


def _watch(
    connection: Connection, above: int, names: Iterable[str], watched: bool, tally: Tally
) -> None:
    """Make repositories watched or not, and tally what the registry counts more or less by it."""
    table = _REPOSITORIES
    here = (table.c.registry_id == above) & (table.c.watched != watched)
    query = select(table).where(here).order_by(table.c.id).with_for_update(key_share=True)
    sign = 1 if watched else -1
    rows = fetch_in(connection, query, table.c.name, sorted(names))
    for row in rows:
        tally.total["tags"] += sign * row.tags
        if any(getattr(row, name) for name in COLUMNS):
            count_standing(connection, tally, sign, row.id, None)
    for chunk in chunks(row.id for row in rows):
        change = update(table).where(table.c.id.in_(chunk))
        connection.execute(change.values(watched=watched))
    tally.flips += len(rows)


def states_query() -> Select[Any]:
    """Return the query of repositories with their registries' names."""
    table = _REPOSITORIES
    return select(table, _REGISTRIES.c.name.label("registry")).join(
        _REGISTRIES, _REGISTRIES.c.id == table.c.registry_id
    )


def repository_state(row: Any) -> RepositoryState:
    """Return the repository of a row that names its `registry` too."""
    return RepositoryState(
        id=row.id,
        registry=row.registry,
        name=row.name,
        watched=row.watched,
        siblings_hash=row.siblings_hash,
        look=None if row.look is None else LookState(row.look),
        detail=row.detail,
        last_crawled_at=row.last_crawled_at,
        missing_since=row.missing_since,
        gone_at=row.gone_at,
    )


async def repositories(
    store: Store, registry: str, *, watched_only: bool = True
) -> tuple[RepositoryState, ...]:
    """Return the registry's repositories by name, those that are gone too."""
    query = visible(store.sees, states_query()).where(_REGISTRIES.c.name == registry)
    query = query.order_by(_REPOSITORIES.c.name)
    if watched_only:
        query = query.where(_REPOSITORIES.c.watched.is_(true()))
    return tuple(repository_state(row) for row in await store.read(all_rows, query))


_ONE: Final = Sighted(
    states_query().where(
        _REGISTRIES.c.name == bindparam("registry"), _REPOSITORIES.c.name == bindparam("repository")
    )
)


async def repository(store: Store, registry: str, name: str) -> RepositoryState | None:
    """Return one repository, None if it was never seen."""
    rows = await store.read(_ONE.rows, store.sees, registry=registry, repository=name)
    return repository_state(rows[0]) if rows else None


async def names_with_tags(
    store: Store, registry: str, names: Sequence[str]
) -> dict[str, tuple[TagSummary, ...]]:
    """Return the summaries of the tags (not gone) of those repositories that are known."""
    tags, table = tables.tags, _REPOSITORIES
    query = (
        select(table.c.name.label("repository"), tags.c.name, tags.c.digest, tags.c.summary)
        .join_from(_REGISTRIES, table, table.c.registry_id == _REGISTRIES.c.id)
        .outerjoin(tags, (tags.c.repository_id == table.c.id) & tags.c.gone_at.is_(None))
        .where(_REGISTRIES.c.name == registry)
        .order_by(table.c.name, tags.c.name)
    )
    found: dict[str, list[TagSummary]] = {}
    for row in await store.read(fetch_in, query, table.c.name, dict.fromkeys(names)):
        listed = found.setdefault(row.repository, [])
        if row.name is not None:
            listed.append(summary(row) or TagSummary(row.name, row.digest))
    return {name: tuple(listed) for name, listed in found.items()}
