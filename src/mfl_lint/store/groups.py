"""Groups whose time has come: what waits in them, what stands, and the messages made of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, delete, func, literal, select

from mfl_lint.core.messages import Draft, Gathered, Handling, Later, Ready
from mfl_lint.core.news import Group, Kind, Mark, News, Stream
from mfl_lint.core.truth import FindingState
from mfl_lint.store.columns import Time, from_json
from mfl_lint.store.engine import Store
from mfl_lint.store.handling import handled
from mfl_lint.store.marks import GroupKey, all_marks, free_held, held_mark, held_marks, write_marks
from mfl_lint.store.messages import write_drafts
from mfl_lint.store.news import alone, has_come
from mfl_lint.store.prepared import among
from mfl_lint.store.standing import found
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
    *,
    most: int = _MOST_WAITING,
) -> int:
    """Make messages of groups whose time has come, and return how many groups there were.

    `routes` are those that are known here; of others only what was due before `lost_before` is
    given to `decide`. No more than the `most` news are read at once.
    """
    return await store.write(_gather, decide, now, has_come(now, routes, lost_before), most)


async def look_again(store: Store, now: datetime) -> None:
    """Have all that is held back looked at again: the settings may be others."""
    await store.write(_look_again, now)


def _look_again(connection: Connection, now: datetime) -> None:
    alone(connection)
    free_held(connection, now)


def _gather(
    connection: Connection, decide: Gather, now: datetime, come: ColumnElement[bool], most: int
) -> int:
    alone(connection)
    first = func.coalesce(alert_groups.c.due_at, alert_groups.c.repeat_at)
    query = select(alert_groups).where(come).order_by(first, alert_groups.c.id)
    rows = connection.execute(query.limit(_GROUPS_AT_ONCE)).all()
    if not rows:
        return 0
    marks = all_marks(connection)
    waiting = _waiting(connection, rows, held_marks(marks), now, most)
    ready = [_ready(connection, row, one.news, now) for row, one in waiting]
    known = msgspec.structs.replace(handled(connection, now), flapping=_flapping(marks))
    gathered, drafts = decide(ready, _sent(connection, now), known)
    by_id = {row.id: (row, one) for row, one in waiting}
    for later in gathered.groups:
        _put_off(connection, later, *by_id[later.id], now)
    write_drafts(connection, drafts, now)
    return len(rows)


def _flapping(marks: Iterable[Mark]) -> frozenset[str]:
    """Return the findings that flap: nothing is said of them until they are calm."""
    flapping = (mark for mark in marks if mark.kind == "flapping")
    return frozenset(news.fingerprint for mark in flapping for news in mark.last)


class _Read(NamedTuple):
    """What was read of what waits in a group: rows and news from after `floor` up to `last`.

    `held`: until when what waits up to `floor` is held back, and need not be read again.
    """

    rows: tuple[tuple[int, str], ...]
    news: tuple[News, ...]
    floor: int = 0
    last: int = 0
    held: datetime | None = None


def _waiting(
    connection: Connection,
    groups: Sequence[Any],
    held: Mapping[GroupKey, Mark],
    now: datetime,
    room: int,
) -> list[tuple[Any, _Read]]:
    """Return what waits in groups, the oldest first, as far as there is `room` for it.

    What there is no room for is left out: its time has come at the next turn, too.
    """
    read: list[tuple[Any, _Read]] = []
    for row in groups:
        if room <= 0:
            break
        mark = held.get((row.route, row.registry, row.repository, row.rule))
        holds = mark is not None and mark.at is not None and now < mark.at
        floor, until = (mark.number, mark.at) if mark is not None and holds else (0, None)
        query = select(alert_waiting.c.id, alert_waiting.c.news)
        query = query.where(alert_waiting.c.group_id == row.id, alert_waiting.c.id > floor)
        rows = connection.execute(query.order_by(alert_waiting.c.id).limit(room)).all()
        room -= len(rows)
        news = [(one.id, made) for one in rows if (made := _read_news(one.news)) is not None]
        told = tuple(_counted(connection, [made for _, made in news]))
        last = rows[-1].id if rows else floor
        ids = tuple((number, made.id) for number, made in news)
        read.append((row, _Read(ids, told, floor, last, until)))
    return read


def _read_news(text: str) -> News | None:
    try:
        return from_json(text, News)
    except msgspec.DecodeError as error:
        _LOG.error("news that wait to be told cannot be read, and are dropped: %s", error)
        return None


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


def _put_off(connection: Connection, later: Later, row: Any, read: _Read, now: datetime) -> None:
    """Write when a group's time comes again; one that has nothing to wait for is forgotten.

    What waits after what was read was not told yet: its time is now.
    """
    here = alert_groups.c.id == later.id
    dues = [later.due, read.held if later.told else None]
    values: dict[str, Any] = {
        "due_at": min((due for due in dues if due is not None), default=None),
        "repeat_at": later.repeat,
    }
    if later.repeat_stays:
        values["repeat_at"] = func.coalesce(alert_groups.c.repeat_at, literal(later.repeat, Time))
    connection.execute(alert_groups.update().where(here).values(values))
    if later.told:
        _hold(connection, later, row, read)
        mine = alert_waiting.c.group_id == later.id
        more = select(alert_waiting.c.id).where(mine, alert_waiting.c.id > read.last).limit(1)
        if connection.execute(more).first():
            connection.execute(alert_groups.update().where(here).values(due_at=now))
        idle = and_(here, alert_groups.c.due_at.is_(None), alert_groups.c.repeat_at.is_(None))
        connection.execute(delete(alert_groups).where(idle))
    elif later.lasts and later.due is not None and read.rows:
        mark = held_mark((row.route, row.registry, row.repository, row.rule))
        until = min(later.due, read.held or later.due)
        write_marks(connection, [msgspec.structs.replace(mark, at=until, number=read.last)])


def _hold(connection: Connection, later: Later, row: Any, read: _Read) -> None:
    """Forget what was told of what was read, and note until when the rest is held back."""
    mine = alert_waiting.c.group_id == later.id
    seen = mine & (alert_waiting.c.id > read.floor) & (alert_waiting.c.id <= read.last)
    kept = [number for number, news in read.rows if news in later.kept]
    if kept:
        seen &= ~among(alert_waiting.c.id, "kept")
    connection.execute(delete(alert_waiting).where(seen), {"kept": kept} if kept else {})
    mark = held_mark((row.route, row.registry, row.repository, row.rule))
    ends = [end for end in (later.due if kept else None, read.held) if end is not None]
    if ends:
        held = msgspec.structs.replace(mark, at=min(ends), number=read.last)
        write_marks(connection, [held])
    else:
        write_marks(connection, (), [mark])
