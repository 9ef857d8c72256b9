"""News on their way to messages: routed, settled, gathered; each step is one transaction.

What becomes of them is decided by functions that are given, which ask no database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, and_, delete, func, or_, select, text

from mfl_lint.core.messages import Draft, Gathered, Handling, Later, Ready
from mfl_lint.core.news import Group, Kind, News, Routed, Situation, Waiting, news_of
from mfl_lint.core.policy import Severity
from mfl_lint.core.truth import Change, FindingState
from mfl_lint.store.columns import from_json, to_json
from mfl_lint.store.engine import Store
from mfl_lint.store.findings import findings_in_place
from mfl_lint.store.handling import handled
from mfl_lint.store.inserts import insert_all, insert_new
from mfl_lint.store.marks import all_marks, introduced, write_marks
from mfl_lint.store.messages import write_drafts
from mfl_lint.store.rows import finding_value
from mfl_lint.store.statements import chunks, fetch_in
from mfl_lint.store.tables import (
    alert_groups,
    alert_waiting,
    findings,
    messages,
    outbox,
    registries,
    repositories,
    transitions,
)

_LOCK: Final = 0x6D666C6E
_SAID: Final = frozenset(map(str, Kind))
_GROUPS_AT_ONCE: Final = 200
_MOST_WAITING: Final = 20_000
_MOST_STANDING: Final = 1_000
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
Gather = Callable[
    [Sequence[Ready], Mapping[str, Sequence[datetime]], Handling],
    tuple[Gathered, Sequence[Draft]],
]


def alone(connection: Connection) -> None:
    """Wait for everybody else who routes or gathers, until this transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


async def route_news(
    store: Store, decide: Callable[[Situation], Routed], *, window_s: float, limit: int = 500
) -> int:
    """Route the oldest news and return how many there were.

    `window_s`: for so long before them it is told when their findings opened and resolved.
    """
    return await store.write(_route, decide, window_s, limit)


def _route(
    connection: Connection, decide: Callable[[Situation], Routed], window_s: float, limit: int
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
        introduced(connection),
    )
    write_routed(connection, decide(situation))
    for chunk in chunks(row.id for row in rows):
        connection.execute(delete(outbox).where(outbox.c.id.in_(chunk)))
    return len(rows)


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


async def settle_marks(store: Store, decide: Settled) -> None:
    """Let the passing of time take its effect on marks, unless news wait to be routed."""
    await store.write(_settle, decide)


def _settle(connection: Connection, decide: Settled) -> None:
    alone(connection)
    marks = all_marks(connection)
    if not marks or connection.execute(select(outbox.c.id).limit(1)).first() is not None:
        return
    columns = {one: registries.c[one.value] for one in Severity}
    rows = connection.execute(
        select(registries.c.name, registries.c.unknown, *columns.values())
    ).all()
    unknown = {row.name: row.unknown for row in rows}
    standing = {row.name: {one: getattr(row, one.value) for one in columns} for row in rows}
    write_routed(connection, decide(marks, unknown, standing, introduced(connection)))


async def gather_news(store: Store, decide: Gather, now: datetime) -> int:
    """Make messages of groups whose time has come, and return how many groups there were."""
    return await store.write(_gather, decide, now)


def _gather(connection: Connection, decide: Gather, now: datetime) -> int:
    alone(connection)
    come = or_(alert_groups.c.due_at <= now, alert_groups.c.repeat_at <= now)
    first = func.coalesce(alert_groups.c.due_at, alert_groups.c.repeat_at)
    query = select(alert_groups).where(come).order_by(first, alert_groups.c.id)
    rows = connection.execute(query.limit(_GROUPS_AT_ONCE)).all()
    if not rows:
        return 0
    waiting = _waiting(connection, [row.id for row in rows])
    ready = [_ready(connection, row, waiting.get(row.id, ()), now) for row in rows]
    gathered, drafts = decide(ready, _sent(connection, now), handled(connection, now))
    for later in gathered.groups:
        _put_off(connection, later)
    write_drafts(connection, drafts, now)
    return len(rows)


def _waiting(connection: Connection, groups: Sequence[int]) -> dict[int, tuple[News, ...]]:
    query = select(alert_waiting).order_by(alert_waiting.c.id).limit(_MOST_WAITING)
    found: dict[int, list[News]] = {}
    for row in fetch_in(connection, query, alert_waiting.c.group_id, groups):
        found.setdefault(row.group_id, []).append(from_json(row.news, News))
    return {number: tuple(news) for number, news in found.items()}


def _ready(connection: Connection, row: Any, news: tuple[News, ...], now: datetime) -> Ready:
    group = Group(row.route, row.registry, row.repository, row.rule)
    repeats = row.repeat_at is not None and row.repeat_at <= now
    again = standing(connection, row, now) if repeats else ()
    return Ready(row.id, group, news, again, repeats)


def standing(connection: Connection, place: Any, now: datetime) -> tuple[News, ...]:
    """Return what is open of a group now, the oldest first, 1,000 at most."""
    query = findings_in_place().where(findings.c.state == FindingState.OPEN.value)
    names = (
        (registries.c.name, place.registry),
        (repositories.c.name, place.repository),
        (findings.c.rule, place.rule),
    )
    for column, name in names:
        if name:
            query = query.where(column == name)
    query = query.order_by(findings.c.first_seen_at, findings.c.id).limit(_MOST_STANDING)
    return tuple(
        news_of(finding_value(row), Kind.STANDING, now, row.first_seen_at, row.fingerprint)
        for row in connection.execute(query)
    )


def _sent(connection: Connection, now: datetime) -> dict[str, list[datetime]]:
    """Return when each route's messages of the last hour were made."""
    once = (
        select(messages.c.route, messages.c.created_at, messages.c.thread)
        .where(messages.c.created_at > now - timedelta(hours=1))
        .distinct()
    )
    found: dict[str, list[datetime]] = {}
    for row in connection.execute(once):
        found.setdefault(row.route, []).append(row.created_at)
    return found


def _put_off(connection: Connection, later: Later) -> None:
    """Write when a group's time comes again; one that has nothing to wait for is forgotten."""
    here = alert_groups.c.id == later.id
    values: dict[str, Any] = {"due_at": later.due}
    if not later.repeat_stays:
        values["repeat_at"] = later.repeat
    connection.execute(alert_groups.update().where(here).values(values))
    if later.told:
        connection.execute(delete(alert_waiting).where(alert_waiting.c.group_id == later.id))
        idle = and_(here, alert_groups.c.due_at.is_(None), alert_groups.c.repeat_at.is_(None))
        connection.execute(delete(alert_groups).where(idle))
