"""News on their way to messages: routed, settled, gathered; each step is one transaction.

What becomes of them is decided by functions that are given, which ask no database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, or_, select, text

from mfl_lint.core.news import Kind, News, Routed, Situation, Waiting, news_of
from mfl_lint.core.policy import Severity
from mfl_lint.core.truth import Change
from mfl_lint.store.columns import to_json
from mfl_lint.store.engine import Store
from mfl_lint.store.findings import findings_in_place
from mfl_lint.store.inserts import insert_all, insert_new
from mfl_lint.store.marks import all_marks, introduced, write_marks
from mfl_lint.store.rows import finding_value
from mfl_lint.store.statements import chunks, fetch_in
from mfl_lint.store.tables import (
    alert_groups,
    alert_marks,
    alert_waiting,
    findings,
    outbox,
    registries,
    transitions,
)

_LOCK: Final = 0x6D666C6E
_SAID: Final = frozenset(map(str, Kind))
_NEWS: Final = findings_in_place(
    transitions.c.id.label("transition_id"), transitions.c.change, transitions.c.at
).join(transitions, transitions.c.fingerprint == findings.c.fingerprint)
_GROUP: Final = (
    alert_groups.c.route,
    alert_groups.c.registry,
    alert_groups.c.repository,
    alert_groups.c.rule,
)
_UNIQUE: Final = tuple(column.name for column in _GROUP)
_TURNS: Final = select(transitions.c.fingerprint, transitions.c.at).where(
    transitions.c.change.in_((Change.OPENED.value, Change.RESOLVED.value))
)
Settled = Callable[
    [Sequence[Any], Mapping[str, int], Mapping[str, Mapping[Severity, int]], Mapping[str, Any]],
    Routed,
]


def alone(connection: Connection) -> None:
    """Wait for everybody else who routes or gathers, until this transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


class Todo(NamedTuple):
    """What there is to do: news to be routed, groups whose time has come, marks to be settled."""

    news: bool
    groups: bool
    marks: bool


async def todo(
    store: Store, now: datetime, routes: Sequence[str], lost_before: datetime | None
) -> Todo:
    """Return what there is to do for these routes, without doing any of it."""
    return await store.read(_todo, now, routes, lost_before)


def has_come(
    now: datetime, routes: Sequence[str], lost_before: datetime | None
) -> ColumnElement[bool]:
    """Return the condition that a group's time has come.

    That of a route that is unknown here is another process's, which may know it; what nobody told
    whose time came before `lost_before` is given up.
    """
    come = alert_groups.c.route.in_(routes) & _came_before(now)
    return come if lost_before is None else or_(come, _came_before(lost_before))


def _came_before(at: datetime) -> ColumnElement[bool]:
    return or_(alert_groups.c.due_at <= at, alert_groups.c.repeat_at <= at)


def _todo(
    connection: Connection, now: datetime, routes: Sequence[str], lost_before: datetime | None
) -> Todo:
    queries = (
        select(outbox.c.id),
        select(alert_groups.c.id).where(has_come(now, routes, lost_before)),
        select(alert_marks.c.kind),
    )
    found = (connection.execute(query.limit(1)).first() is not None for query in queries)
    return Todo(*found)


async def route_news(
    store: Store,
    decide: Callable[[Situation], Routed],
    now: datetime,
    *,
    window_s: float,
    limit: int = 500,
) -> int:
    """Route the oldest news and return how many there were.

    `window_s`: for so long before them it is told when their findings opened and resolved.
    """
    return await store.write(_route, decide, now, window_s, limit)


def _route(
    connection: Connection,
    decide: Callable[[Situation], Routed],
    now: datetime,
    window_s: float,
    limit: int,
) -> int:
    alone(connection)
    rows = connection.execute(select(outbox).order_by(outbox.c.id).limit(limit)).all()
    if not rows:
        return 0
    found = {
        row.transition_id: row
        for row in fetch_in(
            connection, _NEWS, transitions.c.id, [row.transition_id for row in rows]
        )
    }
    happened = [found[row.transition_id] for row in rows if row.transition_id in found]
    news = tuple(_news(row) for row in happened if row.change in _SAID)
    situation = Situation(
        news,
        _changes(connection, news, window_s),
        {mark.key: mark for mark in all_marks(connection)},
        introduced(connection, now),
    )
    write_routed(connection, decide(situation))
    for chunk in chunks(row.id for row in rows):
        connection.execute(delete(outbox).where(outbox.c.id.in_(chunk)))
    return len(rows)


async def last_news(store: Store, last: int, now: datetime, *, window_s: float) -> Situation:
    """Return the last changes as if they were news, the oldest first, with all that is known."""
    return await store.read(_last, last, now, window_s)


def _last(connection: Connection, last: int, now: datetime, window_s: float) -> Situation:
    newest = _NEWS.order_by(transitions.c.at.desc(), transitions.c.id.desc()).limit(last)
    rows = [row for row in connection.execute(newest) if row.change in _SAID]
    news = tuple(_news(row) for row in reversed(rows))
    known = introduced(connection, now)
    return Situation(news, _changes(connection, news, window_s), introduced=known)


def _news(row: Any) -> News:
    finding = finding_value(row)
    return news_of(finding, Kind(row.change), row.at, row.first_seen_at, row.transition_id)


def _changes(
    connection: Connection, news: Sequence[News], window_s: float
) -> dict[str, tuple[datetime, ...]]:
    if not news:
        return {}
    begin = min(one.at for one in news) - timedelta(seconds=window_s)
    marks = {one.fingerprint for one in news}
    found: dict[str, list[datetime]] = {}
    query = _TURNS.where(transitions.c.at > begin).order_by(transitions.c.at)
    for row in fetch_in(connection, query, transitions.c.fingerprint, marks):
        found.setdefault(row.fingerprint, []).append(row.at)
    return {mark: tuple(times) for mark, times in found.items()}


def write_routed(connection: Connection, routed: Routed) -> None:
    """Write what waits, and the marks."""
    write_marks(connection, routed.marks, routed.gone)
    if not routed.waiting:
        return
    due: dict[tuple[str, ...], datetime] = {}
    for one in routed.waiting:
        key = _key(one)
        due[key] = min(one.due, due.get(key, one.due))
    rows = [dict(zip(_UNIQUE, key, strict=True)) for key in sorted(due)]
    insert_new(connection, alert_groups, rows, unique=_UNIQUE)
    held = _held(connection, due)
    insert_all(
        connection,
        alert_waiting,
        [{"group_id": held[_key(one)].id, "news": to_json(one.news)} for one in routed.waiting],
    )
    sooner = [
        (held[key].id, at)
        for key, at in due.items()
        if held[key].due_at is None or at < held[key].due_at
    ]
    for number, at in sooner:
        change = alert_groups.update().where(alert_groups.c.id == number)
        connection.execute(change.values(due_at=at))


def _key(one: Waiting) -> tuple[str, ...]:
    group = one.group
    return (group.route, group.registry, group.repository, group.rule)


def _held(connection: Connection, keys: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], Any]:
    """Return the rows of groups."""
    names = {key[2] for key in keys}
    rows = fetch_in(connection, select(alert_groups), alert_groups.c.repository, names)
    return {tuple(getattr(row, name) for name in _UNIQUE): row for row in rows}


async def settle_marks(store: Store, decide: Settled, now: datetime) -> None:
    """Let the passing of time take its effect on marks, unless news wait to be routed."""
    await store.write(_settle, decide, now)


def _settle(connection: Connection, decide: Settled, now: datetime) -> None:
    alone(connection)
    marks = all_marks(connection)
    if not marks or connection.execute(select(outbox.c.id).limit(1)).first() is not None:
        return
    write_routed(connection, decide(marks, *_counts(connection), introduced(connection, now)))


Counts = tuple[Mapping[str, int], Mapping[str, Mapping[Severity, int]]]


async def counts(store: Store) -> Counts:
    """Return how many findings of each registry are unknown, and how many open, by severity."""
    return await store.read(_counts)


def _counts(connection: Connection) -> Counts:
    columns = {one: registries.c[one.value] for one in Severity}
    rows = connection.execute(
        select(registries.c.name, registries.c.unknown, *columns.values())
    ).all()
    unknown = {row.name: row.unknown for row in rows}
    standing = {row.name: {one: getattr(row, one.value) for one in columns} for row in rows}
    return unknown, standing
