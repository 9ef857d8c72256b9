"""Groups whose time has come: what waits in them, what stands, and the messages made of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, delete, func, literal, select

from mfl_lint.core.messages import Draft, Gathered, Handling, Later, Ready
from mfl_lint.core.news import Group, Kind, News, Stream
from mfl_lint.core.truth import FindingState
from mfl_lint.store.columns import Time, from_json
from mfl_lint.store.engine import Store
from mfl_lint.store.handling import handled
from mfl_lint.store.marks import all_marks
from mfl_lint.store.messages import write_drafts
from mfl_lint.store.news import alone, has_come
from mfl_lint.store.prepared import among
from mfl_lint.store.standing import found
from mfl_lint.store.statements import fetch_in
from mfl_lint.store.tables import (
    alert_groups,
    alert_waiting,
    findings,
    messages,
    registries,
    repositories,
)

_LOG: Final = logging.getLogger("mfl_lint")
_GROUPS_AT_ONCE: Final = 200
_MOST_WAITING: Final = 20_000
Gather = Callable[
    [Sequence[Ready], Mapping[str, Sequence[datetime]], Handling],
    tuple[Gathered, Iterable[Draft]],
]


async def gather_news(
    store: Store,
    decide: Gather,
    now: datetime,
    routes: Sequence[str],
    lost_before: datetime | None,
) -> int:
    """Make messages of groups whose time has come, and return how many groups there were.

    `routes` are those that are known here; of others only what was due before `lost_before` is
    given to `decide`.
    """
    return await store.write(_gather, decide, now, has_come(now, routes, lost_before))


def _gather(
    connection: Connection, decide: Gather, now: datetime, come: ColumnElement[bool]
) -> int:
    alone(connection)
    first = func.coalesce(alert_groups.c.due_at, alert_groups.c.repeat_at)
    query = select(alert_groups).where(come).order_by(first, alert_groups.c.id)
    rows = connection.execute(query.limit(_GROUPS_AT_ONCE)).all()
    if not rows:
        return 0
    waiting, last = _waiting(connection, [row.id for row in rows])
    ready = [_ready(connection, row, waiting.get(row.id, ()), now) for row in rows]
    known = msgspec.structs.replace(handled(connection, now), flapping=_flapping(connection))
    gathered, drafts = decide(ready, _sent(connection, now), known)
    for later in gathered.groups:
        _put_off(connection, later, last, now)
    write_drafts(connection, drafts, now)
    return len(rows)


def _flapping(connection: Connection) -> frozenset[str]:
    """Return the findings that flap: nothing is said of them until they are calm."""
    marks = (mark for mark in all_marks(connection) if mark.kind == "flapping")
    return frozenset(news.fingerprint for mark in marks for news in mark.last)


def _waiting(
    connection: Connection, groups: Sequence[int]
) -> tuple[dict[int, tuple[News, ...]], int]:
    """Return what waits in the groups, the oldest 20,000 of all, and the last one's id."""
    query = select(alert_waiting).order_by(alert_waiting.c.id).limit(_MOST_WAITING)
    found: dict[int, list[News]] = {}
    rows = fetch_in(connection, query, alert_waiting.c.group_id, groups)
    for row in rows:
        try:
            found.setdefault(row.group_id, []).append(from_json(row.news, News))
        except msgspec.DecodeError as error:
            _LOG.error("news that wait to be told cannot be read, and are dropped: %s", error)
    made = {number: tuple(_counted(connection, news)) for number, news in found.items()}
    return made, rows[-1].id if rows else 0


def _counted(connection: Connection, news: Sequence[News]) -> list[News]:
    """Return the news; those of a registry that cannot be seen say how many findings it hides."""
    if not any(one.kind is Kind.UNKNOWN for one in news):
        return list(news)
    rows = connection.execute(select(registries.c.name, registries.c.unknown))
    unknown = {row.name: row.unknown for row in rows}
    return [
        msgspec.structs.replace(one, count=max(1, unknown.get(one.registry, 1)))
        if one.kind is Kind.UNKNOWN
        else one
        for one in news
    ]


def _ready(connection: Connection, row: Any, news: tuple[News, ...], now: datetime) -> Ready:
    group = Group(row.route, row.registry, row.repository, row.rule)
    repeats = row.repeat_at is not None and row.repeat_at <= now
    again = standing(connection, row, now) if repeats else ()
    return Ready(row.id, group, news, again, repeats)


def standing(connection: Connection, place: Any, now: datetime) -> Stream:
    """Return what is open of a group now, the oldest first."""
    names = (
        (registries.c.name, place.registry),
        (repositories.c.name, place.repository),
        (findings.c.rule, place.rule),
    )
    here = [column == name for column, name in names if name]
    is_open = findings.c.state == FindingState.OPEN.value
    return found(connection, and_(is_open, *here), Kind.STANDING, now)


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


def _put_off(connection: Connection, later: Later, last: int, now: datetime) -> None:
    """Write when a group's time comes again; one that has nothing to wait for is forgotten.

    What waits after `last` was not told yet: its time is now.
    """
    here = alert_groups.c.id == later.id
    values: dict[str, Any] = {"due_at": later.due, "repeat_at": later.repeat}
    if later.repeat_stays:
        values["repeat_at"] = func.coalesce(alert_groups.c.repeat_at, literal(later.repeat, Time))
    connection.execute(alert_groups.update().where(here).values(values))
    if later.told:
        mine = alert_waiting.c.group_id == later.id
        _forget_waiting(connection, mine & (alert_waiting.c.id <= last), later.kept)
        more = select(alert_waiting.c.id).where(mine, alert_waiting.c.id > last).limit(1)
        if connection.execute(more).first():
            connection.execute(alert_groups.update().where(here).values(due_at=now))
        idle = and_(here, alert_groups.c.due_at.is_(None), alert_groups.c.repeat_at.is_(None))
        connection.execute(delete(alert_groups).where(idle))


def _forget_waiting(
    connection: Connection, which: ColumnElement[bool], kept: frozenset[str]
) -> None:
    """Forget news that wait, but for those to be kept."""
    if not kept:
        connection.execute(delete(alert_waiting).where(which))
        return
    rows = connection.execute(select(alert_waiting.c.id, alert_waiting.c.news).where(which)).all()
    gone = [row.id for row in rows if from_json(row.news, News).id not in kept]
    connection.execute(
        delete(alert_waiting).where(among(alert_waiting.c.id, "gone")), {"gone": gone}
    )
