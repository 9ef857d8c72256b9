"""A repository's tags as its page lists them: narrowed, in several orders, by cursor.

Every order is an index's; `worst` is the newest versions first among those that are in one state,
state by state.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    exists,
    false,
    func,
    not_,
    or_,
    select,
    true,
    tuple_,
)

from mfl_lint.core.observation import Kind, LookState
from mfl_lint.core.platform import Platform, spellings
from mfl_lint.core.policy import Ignore
from mfl_lint.core.views import Page, TagFilter, TagRow
from mfl_lint.store.counters import COLUMNS
from mfl_lint.store.cursors import page, read_cursor
from mfl_lint.store.engine import Store
from mfl_lint.store.statements import matches, visible
from mfl_lint.store.tables import entries, tags
from mfl_lint.store.view_ignored import ignored_in_repository
from mfl_lint.store.views import tags_of, with_details

STATES: Final = ("error", "warning", "unknown", "ok")
_VERSION: Final = (tags.c.sort_key, tags.c.name)
_RUNS: Final = (Kind.IMAGE.value, Kind.UNDECIDED.value)
_UNCERTAIN: Final = or_(
    tags.c.look != LookState.VERIFIED.value,
    tags.c.complete.is_not(true()),
    tags.c.unsettled.is_(true()),
)


class Order(StrEnum):
    """How tags are sorted: the newest version first, the oldest, by name, or the worst first."""

    VERSION = "version"
    OLDEST = "oldest"
    NAME = "name"
    WORST = "worst"


async def tags_page(
    store: Store,
    registry: str,
    repository: str,
    wanted: TagFilter = TagFilter(),  # noqa: B008  # a frozen value
    *,
    ignores: Sequence[Ignore] = (),
    order: Order = Order.VERSION,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[TagRow]:
    """Return the watched tags that are wanted; what is ignored does not make a state worse."""
    query = visible(store.sees, tags_of(registry, repository))
    query = query.where(tags.c.watched.is_(true()), tags.c.gone_at.is_(None))
    counted: dict[str, Any] = {name: tags.c[name] for name in COLUMNS}
    if ignores and (wanted.states or order is Order.WORST):
        taken = ignored_in_repository(store.dialect, ignores, registry, repository).subquery()
        query = query.outerjoin(taken, taken.c.key == tags.c.id)
        counted = {name: tags.c[name] - func.coalesce(taken.c[name], 0) for name in COLUMNS}
    states = _states(counted)
    query = query.where(*_conditions(store.dialect, wanted, states))
    rows, full = await store.read(_first_of, [*_parts(query, order, states, cursor)], limit)
    return page(rows, limit, lambda row: full[row[1].id], lambda row: _key(row[0], row[1], order))


def _states(counted: dict[str, Any]) -> dict[str, ColumnElement[bool]]:
    """Return the condition of each state; a tag is in exactly one of them."""
    error, warning = counted["error"] > 0, counted["warning"] > 0
    unknown = or_(counted["unknown"] > 0, _UNCERTAIN)
    return {
        "error": error,
        "warning": and_(not_(error), warning),
        "unknown": and_(not_(error), not_(warning), unknown),
        "ok": and_(not_(error), not_(warning), not_(unknown)),
    }


def _conditions(
    dialect: str, wanted: TagFilter, states: dict[str, ColumnElement[bool]]
) -> Iterator[ColumnElement[bool]]:
    if wanted.glob:
        yield matches(dialect, tags.c.name, wanted.glob)
    if wanted.states:
        yield or_(false(), *(states[name] for name in wanted.states if name in states))
    if wanted.offers is not None:
        yield _offers(wanted.offers)
    if wanted.lacks is not None:
        yield not_(_offers(wanted.lacks))


def _offers(platform: Platform) -> ColumnElement[bool]:
    """Return the condition that a tag's list has an image for the platform, however spelt."""
    spelt = (
        and_(
            func.lower(entries.c.architecture) == name,
            true() if variant is None else func.lower(entries.c.variant) == variant,
        )
        for name, variant in spellings(platform)
    )
    return exists(
        select(entries.c.position).where(
            entries.c.index_digest == tags.c.digest,
            entries.c.kind.in_(_RUNS),
            func.lower(entries.c.os) == platform.normalized().os,
            or_(false(), *spelt),
        )
    )


_Part = tuple[int, Select[Any]]


def _parts(
    query: Select[Any], order: Order, states: dict[str, ColumnElement[bool]], cursor: str | None
) -> Iterator[_Part]:
    """Yield numbered queries; their rows one behind the other are the list from the cursor on."""
    if order is Order.WORST:
        start, *key = read_cursor(cursor, int, str, str) if cursor else (0, "", "")
        for number, state in enumerate(STATES):
            if number >= start:
                part = query.where(states[state]).order_by(*_VERSION)
                behind = cursor and number == start
                yield number, part.where(tuple_(*_VERSION) > tuple_(*key)) if behind else part
    elif order is Order.NAME:
        part = query.order_by(tags.c.name)
        yield 0, part.where(tags.c.name > read_cursor(cursor, str)[0]) if cursor else part
    else:
        yield 0, _by_version(query, cursor, newest=order is Order.VERSION)


def _by_version(query: Select[Any], cursor: str | None, *, newest: bool) -> Select[Any]:
    query = query.order_by(*(column if newest else column.desc() for column in _VERSION))
    if not cursor:
        return query
    place, key = tuple_(*_VERSION), tuple_(*read_cursor(cursor, str, str))
    return query.where(place > key if newest else place < key)


def _key(number: int, row: Any, order: Order) -> tuple[int | str, ...]:
    """Return what the list goes on from behind a row."""
    if order is Order.NAME:
        return (row.name,)
    version = (row.sort_key, row.name)
    return (number, *version) if order is Order.WORST else version


def _first_of(
    connection: Connection, parts: Sequence[_Part], limit: int
) -> tuple[list[tuple[int, Any]], dict[int, TagRow]]:
    """Return the first rows of the parts, one more than asked for, and those with all details."""
    rows: list[tuple[int, Any]] = []
    for number, part in parts:
        if len(rows) <= limit:
            found = connection.execute(part.limit(limit + 1 - len(rows)))
            rows += [(number, row) for row in found]
    return rows, with_details(connection, [row for _, row in rows[:limit]])
