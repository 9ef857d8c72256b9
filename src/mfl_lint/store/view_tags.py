"""A repository's tags as its page lists them: narrowed, in several orders, by cursor.

Every order is an index's; `worst` is the newest versions first among those that are in one state,
state by state.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    and_,
    bindparam,
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
from mfl_lint.store.columns import Words
from mfl_lint.store.counters import COLUMNS
from mfl_lint.store.cursors import page, read_cursor
from mfl_lint.store.engine import Store
from mfl_lint.store.statements import Sighted, matches
from mfl_lint.store.tables import entries, tags
from mfl_lint.store.tag_details import with_details
from mfl_lint.store.view_ignored import ignored_in_repository
from mfl_lint.store.views import tags_of

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
    counts = bool(wanted.states) or order is Order.WORST
    list_ = _List(store.dialect, wanted, order, tuple(ignores) if counts else ())
    parts = [*_parts(list_, cursor)]
    given = {"registry": registry, "repository": repository}
    rows, full = await store.read(_first_of, parts, limit, store.sees, given)
    return page(rows, limit, lambda row: full[row[1].id], lambda row: _key(row[0], row[1], order))


class _List(NamedTuple):
    """All that the text of a list's statements depends on."""

    dialect: str
    wanted: TagFilter
    order: Order
    ignores: tuple[Ignore, ...]


@lru_cache(maxsize=64)
def _statement(asked: _List, number: int, goes_on: bool) -> Sighted:  # of a key
    """Return what reads one part of a list."""
    registry: Any = bindparam("registry")
    repository: Any = bindparam("repository")
    query = tags_of(registry, repository)
    query = query.where(tags.c.watched.is_(true()), tags.c.gone_at.is_(None))
    counted: dict[str, Any] = {name: tags.c[name] for name in COLUMNS}
    if asked.ignores:
        taken = ignored_in_repository(asked.dialect, asked.ignores, registry, repository).subquery()
        query = query.outerjoin(taken, taken.c.key == tags.c.id)
        counted = {name: tags.c[name] - func.coalesce(taken.c[name], 0) for name in COLUMNS}
    states = _states(counted)
    query = query.where(*_conditions(asked.dialect, asked.wanted, states))
    if asked.order is Order.WORST:
        query = query.where(states[STATES[number]])
    return Sighted(_ordered(query, asked.order, goes_on).limit(bindparam("most", type_=Integer)))


def _ordered(query: Select[Any], order: Order, goes_on: bool) -> Select[Any]:
    """Return the query in that order, from behind a place on where it goes on."""
    if order is Order.NAME:
        query = query.order_by(tags.c.name)
        return query.where(tags.c.name > bindparam("name")) if goes_on else query
    back = order is Order.OLDEST
    query = query.order_by(*(column.desc() if back else column for column in _VERSION))
    place = tuple_(*_VERSION)
    key = tuple_(*(bindparam(name, type_=Words) for name in ("sort_key", "name")))
    if not goes_on:
        return query
    return query.where(place < key if back else place > key)


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
            or_(*(entries.c.kind == one for one in _RUNS)),
            func.lower(entries.c.os) == platform.normalized().os,
            or_(false(), *spelt),
        )
    )


_Part = tuple[int, Sighted, dict[str, str]]


def _parts(asked: _List, cursor: str | None) -> Iterator[_Part]:
    """Yield numbered statements and where they begin: one behind the other they are the list."""
    if asked.order is not Order.WORST:
        names = ("name",) if asked.order is Order.NAME else ("sort_key", "name")
        key = read_cursor(cursor, *(str for _ in names)) if cursor else ()
        yield 0, _statement(asked, 0, bool(cursor)), dict(zip(names, key, strict=False))
        return
    start, *place = read_cursor(cursor, int, str, str) if cursor else (0,)
    for number in range(max(start, 0), len(STATES)):
        behind = bool(place) and number == start
        given = dict(zip(("sort_key", "name"), place, strict=False)) if behind else {}
        yield number, _statement(asked, number, behind), given


def _key(number: int, row: Any, order: Order) -> tuple[int | str, ...]:
    """Return what the list goes on from behind a row."""
    if order is Order.NAME:
        return (row.name,)
    version = (row.sort_key, row.name)
    return (number, *version) if order is Order.WORST else version


def _first_of(
    connection: Connection,
    parts: Sequence[_Part],
    limit: int,
    sees: frozenset[str] | None,
    given: dict[str, str],
) -> tuple[list[tuple[int, Any]], dict[int, TagRow]]:
    """Return the first rows of the parts, one more than asked for, and those with all details."""
    rows: list[tuple[int, Any]] = []
    for number, part, start in parts:
        if len(rows) <= limit:
            found = part.rows(connection, sees, most=limit + 1 - len(rows), **given, **start)
            rows += [(number, row) for row in found]
    return rows, with_details(connection, [row for _, row in rows[:limit]])
