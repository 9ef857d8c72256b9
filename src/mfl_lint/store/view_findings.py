"""Lists and figures of findings and their changes; `views` offers them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    text,
    true,
    tuple_,
    type_coerce,
)

from mfl_lint.core.policy import Severity
from mfl_lint.core.truth import FindingState
from mfl_lint.core.views import (
    Counts,
    DayCounts,
    FindingFilter,
    FindingView,
    Page,
)
from mfl_lint.store import tables
from mfl_lint.store.columns import Time, micros
from mfl_lint.store.counters import COLUMNS
from mfl_lint.store.cursors import page, read_cursor
from mfl_lint.store.engine import Store
from mfl_lint.store.findings import findings_in_place
from mfl_lint.store.prepared import Prepared, Unread, among
from mfl_lint.store.rows import WEIGHTS, finding_value
from mfl_lint.store.statements import Sighted, all_rows, is_pattern, matches, visible
from mfl_lint.store.tables import findings, registries, repositories, tags

WATCHED: Final = (
    registries.c.watched.is_(true())
    & repositories.c.watched.is_(true())
    & or_(findings.c.tag_id.is_(None), tags.c.watched.is_(true()))
)
# In the words of the indexes of what stands: with a parameter they would not be used.
STANDS: Final = text("findings.state <> 'resolved'")
_WORST: Final = (findings.c.weight, findings.c.first_seen_at, findings.c.id)
_PLACE: Final = ("weight", "seen", "number")
_SOME_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)


async def findings_page(
    store: Store,
    filter: FindingFilter,  # noqa: A002  # the field's word
    *,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[FindingView]:
    """Return findings, worst first, then newest."""
    given: dict[str, object] = {"most": limit + 1}
    given |= {"seen_after": filter.seen_after, "seen_before": filter.seen_before}
    if store.sees is not None:
        given["sees"] = store.sees
    if cursor is not None:
        place = read_cursor(cursor, int, int, int)
        given |= dict(zip(_PLACE, place, strict=True))
    statement = _statement(
        store.dialect, _timeless(filter), store.sees is not None, cursor is not None
    )
    found = await store.read(statement.made, _viewed, **given)
    return page(found, limit, lambda one: one[0], lambda one: one[1])


def _timeless(wanted: FindingFilter) -> FindingFilter:
    """Return the filter with the same time in place of each that is given: these are many."""
    if wanted.seen_after is None and wanted.seen_before is None:
        return wanted
    return msgspec.structs.replace(
        wanted,
        seen_after=wanted.seen_after and _SOME_TIME,
        seen_before=wanted.seen_before and _SOME_TIME,
    )


@lru_cache(maxsize=64)
def _statement(dialect: str, wanted: FindingFilter, *parts: bool) -> Prepared:
    """Return what reads a page; pages that people leave open ask for the same again and again."""
    sees, goes_on = parts
    exact: Sequence[ColumnElement[Any]] = (_WORST[0], type_coerce(_WORST[1], BigInteger), _WORST[2])
    if _is_of_few(wanted):
        # Which no index has.
        exact = [column + literal_column("0") for column in exact]
    query = _filtered(dialect, wanted).order_by(*(column.desc() for column in exact))
    if sees:
        query = query.where(among(registries.c.name, "sees"))
    if goes_on:
        behind = (bindparam(name, type_=BigInteger) for name in _PLACE)
        query = query.where(tuple_(*exact) < tuple_(*behind))
    return Prepared(query.limit(bindparam("most", type_=BigInteger)))


@lru_cache(maxsize=4096)
def _viewed(found: Unread) -> tuple[FindingView, tuple[int, int, int]]:
    """Return a finding and its place in the list; most are what they were when last read."""
    row = found.read(found.values)
    return _view(row), (row.weight, micros(row.first_seen_at), row.id)


def _is_of_few(wanted: FindingFilter) -> bool:
    """Say whether the findings of few repositories are wanted, by the index of places."""
    return bool(wanted.repository) and not is_pattern(wanted.repository)


def _filtered(dialect: str, wanted: FindingFilter) -> Select[Any]:
    """Return the query of the findings that a filter lets through; times are parameters."""
    query = findings_in_place(WATCHED.label("in_view"), of_few=_is_of_few(wanted))
    query = query.outerjoin(tags, tags.c.id == findings.c.tag_id)
    globs = (
        (registries.c.name, wanted.registry),
        (findings.c.tag, wanted.tag),
        (findings.c.platform, wanted.platform),
    )
    for column, glob in globs:
        if glob:
            query = query.where(matches(dialect, column, glob))
    query = narrowed(dialect, query, wanted.repository, wanted.rule)
    if wanted.severities:
        chosen = [WEIGHTS[Severity(name)] for name in wanted.severities]
        query = query.where(or_(*(findings.c.weight == one for one in chosen)))
    if wanted.states:
        query = query.where(or_(*(findings.c.state == one for one in wanted.states)))
        if FindingState.RESOLVED not in wanted.states:
            query = query.where(STANDS)
    if wanted.seen_after is not None:
        query = query.where(findings.c.first_seen_at >= bindparam("seen_after", type_=Time))
    if wanted.seen_before is not None:
        query = query.where(findings.c.first_seen_at <= bindparam("seen_before", type_=Time))
    return query.where(WATCHED) if wanted.watched else query


def narrowed(dialect: str, query: Select[Any], repository: str, rule: str) -> Select[Any]:
    """Return the query of findings of these only; globs, "" for all."""
    if rule:
        query = query.where(matches(dialect, findings.c.rule, rule))
    if repository and not is_pattern(repository):
        # So that the index of places is used; and that of names, which begins with the registry.
        of_any = repositories.c.registry_id.in_(select(registries.c.id))
        named = select(repositories.c.id).where(repositories.c.name == repository, of_any)
        return query.where(findings.c.repository_id.in_(named))
    return query.where(matches(dialect, repositories.c.name, repository)) if repository else query


def _view(row: Any) -> FindingView:
    return FindingView(
        finding=finding_value(row),
        state=FindingState(row.state),
        first_seen_at=row.first_seen_at,
        last_confirmed_at=row.last_confirmed_at,
        resolved_at=row.resolved_at,
        watched=bool(row.in_view),
    )


async def rule_counts(store: Store) -> dict[str, Counts]:
    """Return the findings that stand by rule id, of what is watched."""
    table = tables.rule_counters
    sums = [func.sum(table.c[name]).label(name) for name in COLUMNS]
    query = (
        select(table.c.rule, *sums)
        .join(registries, registries.c.id == table.c.registry_id)
        .where(registries.c.watched.is_(true()))
        .group_by(table.c.rule)
        .order_by(table.c.rule)
    )
    rows = await store.read(all_rows, visible(store.sees, query))
    found = {row.rule: Counts(*(int(getattr(row, name)) for name in COLUMNS)) for row in rows}
    return {rule: standing for rule, standing in found.items() if standing != Counts()}


_COUNTED: Final = (
    select(tables.day_counters)
    .join(registries, registries.c.id == tables.day_counters.c.registry_id)
    .order_by(tables.day_counters.c.day)
)
_ALL_DAYS: Final = Sighted(_COUNTED.where(registries.c.watched.is_(true())))
_DAYS: Final = Sighted(_COUNTED.where(registries.c.name == bindparam("registry")))


async def days(
    store: Store,
    registry: str | None = None,
    days: int = 30,
    *,
    now: datetime | None = None,
) -> tuple[DayCounts, ...]:
    """Return the last days, oldest first, of one registry or of all that are watched.

    They end with the day of `now` (None: the last day on which something changed) and begin
    not before the first day on which something was counted.
    """
    if registry is None:
        rows = await store.read(_ALL_DAYS.rows, store.sees)
    else:
        rows = await store.read(_DAYS.rows, store.sees, registry=registry)
    if not rows:
        return ()
    end = now.astimezone(UTC).date().isoformat() if now else rows[-1].day
    first = date.fromisoformat(rows[0].day)
    start = max(first, date.fromisoformat(end) - timedelta(days=days - 1))
    return _carried(tuple(rows), start, end)


@lru_cache(maxsize=64)
def _carried(rows: tuple[Any, ...], start: date, end: str) -> tuple[DayCounts, ...]:
    """Return each day from `start` to `end`; what stood goes on until a later row says else."""
    by_day: dict[str, list[Any]] = {}
    for row in rows:
        by_day.setdefault(row.day, []).append(row)
    standing = {row.registry_id: row for row in rows if row.day < start.isoformat()}
    shown: list[DayCounts] = []
    at = start
    while at.isoformat() <= end:
        today = by_day.get(at.isoformat(), [])
        standing |= {row.registry_id: row for row in today}
        opened, resolved = (sum(getattr(row, name) for row in today) for name in _CHANGED)
        shown.append(DayCounts(at.isoformat(), _sum(standing), opened, resolved))
        at += timedelta(days=1)
    return tuple(shown)


_CHANGED: Final = ("opened", "resolved")


def _sum(standing: Mapping[int, Any]) -> Counts:
    return Counts(*(sum(getattr(row, name) for row in standing.values()) for name in COLUMNS))


def worst_tags(counted: Mapping[str, ColumnElement[int]]) -> Select[Any]:
    """Return the query of the watched tags with findings that stand, the worst first.

    In the order of an index: names do not count, or all that are as bad would have to be read.
    """
    stands = tags.c.error + tags.c.warning + tags.c.info + tags.c.unknown > literal_column("0")
    columns = (counted[name].label(name) for name in COLUMNS)
    places = (registries.c.name.label("registry"), repositories.c.name.label("repository"))
    worst = (counted[name].desc() for name in ("error", "warning", "unknown"))
    return (
        select(tags.c.id, tags.c.name, *columns, *places)
        .join(repositories, repositories.c.id == tags.c.repository_id)
        .join(registries, registries.c.id == repositories.c.registry_id)
        .where(stands, tags.c.watched.is_(true()), repositories.c.watched.is_(true()))
        .where(registries.c.watched.is_(true()))
        .order_by(*worst, tags.c.id.desc())
    )
