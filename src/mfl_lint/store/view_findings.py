"""Lists and figures of findings and their changes; `views` offers them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Select,
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
from mfl_lint.core.truth import Change, FindingState, Transition
from mfl_lint.core.views import (
    BrokenTag,
    Counts,
    DayCounts,
    FindingFilter,
    FindingView,
    Page,
    TransitionView,
)
from mfl_lint.store import tables
from mfl_lint.store.columns import micros
from mfl_lint.store.counters import COLUMNS
from mfl_lint.store.cursors import page, read_cursor
from mfl_lint.store.engine import Store
from mfl_lint.store.findings import findings_in_place
from mfl_lint.store.rows import WEIGHTS, counts, finding_value
from mfl_lint.store.statements import all_rows, fetch_in, is_pattern, matches, visible
from mfl_lint.store.tables import findings, registries, repositories, tags, transitions

WATCHED: Final = (
    registries.c.watched.is_(true())
    & repositories.c.watched.is_(true())
    & or_(findings.c.tag_id.is_(None), tags.c.watched.is_(true()))
)
# In the words of the indexes of what stands: with a parameter they would not be used.
STANDS: Final = text("findings.state <> 'resolved'")
_WORST: Final = (findings.c.weight, findings.c.first_seen_at, findings.c.id)
_NEWEST: Final = (transitions.c.at, transitions.c.id)


async def findings_page(
    store: Store,
    filter: FindingFilter,  # noqa: A002  # the field's word
    *,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[FindingView]:
    """Return findings, worst first, then newest."""
    query = visible(store.sees, _filtered(store.dialect, filter)).order_by(
        *(column.desc() for column in _WORST)
    )
    if cursor is not None:
        weight, seen, number = read_cursor(cursor, int, int, int)
        exact = (_WORST[0], type_coerce(_WORST[1], BigInteger), _WORST[2])
        query = query.where(tuple_(*exact) < tuple_(weight, seen, number))
    rows = await store.read(all_rows, query.limit(limit + 1))
    return page(rows, limit, _view, lambda row: (row.weight, micros(row.first_seen_at), row.id))


def _filtered(dialect: str, wanted: FindingFilter) -> Select[Any]:
    """Return the query of the findings that a filter lets through."""
    query = findings_in_place(WATCHED.label("in_view"))
    query = query.outerjoin(tags, tags.c.id == findings.c.tag_id)
    globs = (
        (registries.c.name, wanted.registry),
        (findings.c.tag, wanted.tag),
        (findings.c.platform, wanted.platform),
    )
    for column, glob in globs:
        if glob:
            query = query.where(matches(dialect, column, glob))
    query = _narrowed(dialect, query, wanted.repository, wanted.rule)
    if wanted.severities:
        chosen = [WEIGHTS[Severity(name)] for name in wanted.severities]
        query = query.where(findings.c.weight.in_(chosen))
    if wanted.states:
        query = query.where(findings.c.state.in_(wanted.states))
        if FindingState.RESOLVED not in wanted.states:
            query = query.where(STANDS)
    if wanted.seen_after is not None:
        query = query.where(findings.c.first_seen_at >= wanted.seen_after)
    if wanted.seen_before is not None:
        query = query.where(findings.c.first_seen_at <= wanted.seen_before)
    return query.where(WATCHED) if wanted.watched else query


def _narrowed(dialect: str, query: Select[Any], repository: str, rule: str) -> Select[Any]:
    """Return the query of findings of these only; globs, "" for all."""
    if rule:
        query = query.where(matches(dialect, findings.c.rule, rule))
    if repository and not is_pattern(repository):
        # So that the index of places is used.
        named = select(repositories.c.id).where(repositories.c.name == repository)
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
    table = tables.day_counters
    query = select(table).join(registries, registries.c.id == table.c.registry_id)
    chosen = registries.c.watched.is_(true()) if registry is None else registries.c.name == registry
    query = visible(store.sees, query.where(chosen)).order_by(table.c.day)
    rows = await store.read(all_rows, query)
    if not rows:
        return ()
    end = now.astimezone(UTC).date().isoformat() if now else rows[-1].day
    first = date.fromisoformat(rows[0].day)
    start = max(first, date.fromisoformat(end) - timedelta(days=days - 1))
    return _carried(rows, start, end)


def _carried(rows: Sequence[Any], start: date, end: str) -> tuple[DayCounts, ...]:
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


async def transitions_page(
    store: Store,
    *,
    registry: str | None = None,
    repository: str = "",
    rule: str = "",
    changes: Sequence[str] = (),
    since: datetime | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[TransitionView]:
    """Return the changes, newest first, of one registry or of all; globs for the others."""
    query = findings_in_place(
        transitions.c.id.label("transition_id"),
        transitions.c.sequence.label("number"),
        transitions.c.change,
        transitions.c.at,
        transitions.c.reason,
    ).join(transitions, transitions.c.fingerprint == findings.c.fingerprint)
    query = query.order_by(*(column.desc() for column in _NEWEST)).limit(limit + 1)
    if registry is not None:
        # So that the index of a registry's changes is used.
        above = select(registries.c.id).where(registries.c.name == registry).scalar_subquery()
        query = query.where(transitions.c.registry_id == above)
    query = _narrowed(store.dialect, query, repository, rule)
    if changes:
        query = query.where(transitions.c.change.in_(changes))
    if since is not None:
        query = query.where(transitions.c.at >= since)
    if cursor is not None:
        at, mark = read_cursor(cursor, int, str)
        exact = (type_coerce(transitions.c.at, BigInteger), transitions.c.id)
        query = query.where(tuple_(*exact) < tuple_(at, mark))
    rows = await store.read(all_rows, visible(store.sees, query))
    return page(rows, limit, _change, lambda row: (micros(row.at), row.transition_id))


def _change(row: Any) -> TransitionView:
    move = Transition(
        row.transition_id, row.fingerprint, row.number, Change(row.change), row.at, row.reason
    )
    return TransitionView(move, finding_value(row))


async def broken_tags(store: Store, limit: int = 20) -> tuple[BrokenTag, ...]:
    """Return the watched tags with findings that stand, the worst first."""
    stands = tags.c.error + tags.c.warning + tags.c.info + tags.c.unknown > literal_column("0")
    columns = (tags.c.id, tags.c.name, *(tags.c[name] for name in COLUMNS))
    places = (registries.c.name.label("registry"), repositories.c.name.label("repository"))
    worst = (tags.c.error.desc(), tags.c.warning.desc(), tags.c.unknown.desc())
    query = (
        select(*columns, *places)
        .join(repositories, repositories.c.id == tags.c.repository_id)
        .join(registries, registries.c.id == repositories.c.registry_id)
        .where(stands, tags.c.watched.is_(true()), repositories.c.watched.is_(true()))
        .where(registries.c.watched.is_(true()))
        .order_by(*worst, tags.c.info.desc(), registries.c.name, repositories.c.name, tags.c.name)
        .limit(limit)
    )
    return await store.read(_broken, visible(store.sees, query))


def _broken(connection: Connection, query: Select[Any]) -> tuple[BrokenTag, ...]:
    rows = connection.execute(query).all()
    since = _broken_since(connection, [row.id for row in rows])
    return tuple(
        BrokenTag(row.registry, row.repository, row.name, counts(row), since.get(row.id))
        for row in rows
    )


def _broken_since(connection: Connection, ids: Sequence[int]) -> dict[int, datetime]:
    """Return when the oldest open finding of each tag was first seen."""
    query = (
        select(findings.c.tag_id, func.min(findings.c.first_seen_at).label("since"))
        .where(findings.c.state == FindingState.OPEN.value)
        .group_by(findings.c.tag_id)
    )
    rows = fetch_in(connection, query, findings.c.tag_id, ids)
    return {row.tag_id: row.since for row in rows}
