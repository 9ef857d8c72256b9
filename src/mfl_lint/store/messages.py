"""Messages: written with what they are about, claimed, delivered at least once, remembered.

A message that is claimed belongs to whoever claimed it until its lease ends. Those of one group
to one channel go in their order: a later one is not claimed while an earlier one waits. So do, for
a while, those of a route before and after one that is about several groups.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, bindparam, func, literal, or_, select, update

from mfl_lint.core.messages import (
    Delivery,
    Draft,
    Message,
    MessageState,
    Notice,
    Outcome,
)
from mfl_lint.core.news import Group
from mfl_lint.core.views import Page
from mfl_lint.store.columns import Time, from_json, to_json
from mfl_lint.store.cursors import page, read_cursor
from mfl_lint.store.engine import Store
from mfl_lint.store.inserts import insert_new
from mfl_lint.store.prepared import Prepared
from mfl_lint.store.statements import all_rows, chunks, one_row
from mfl_lint.store.tables import messages

_LONGEST_PROBLEM: Final = 300
_PENDING: Final = messages.c.state == MessageState.PENDING.value
# For so long a message waits for one that is about its group and others.
_LONGEST_WAIT: Final = timedelta(hours=2)
_ROUTE: Final = "?"
# A message has up to a thousand items.
_FEW: Final = 16


def write_drafts(connection: Connection, drafts: Iterable[Draft], now: datetime) -> None:
    """Write messages, a few at a time; one that is there already stays as it is."""
    for few in chunks(drafts, _FEW):
        insert_new(connection, messages, [_row(one, now) for one in few], unique=("key",))


def _row(one: Draft, now: datetime) -> dict[str, Any]:
    return {
        "key": hashlib.sha256(f"{one.notice.id}/{one.channel}".encode()).hexdigest()[:32],
        "route": one.notice.route,
        "thread": to_json(one.notice.group),
        "channel": one.channel,
        "registry": one.notice.group.registry or _only_registry(one.notice),
        "title": one.title,
        "notice": to_json(one.notice),
        "state": MessageState.PENDING.value,
        "next_attempt_at": now,
        "created_at": now,
    }


def _only_registry(notice: Notice) -> str:
    """Return the registry that all of it is about, "" where there are several."""
    names = {item.registry for item in notice.items}
    whole = not notice.left_out and not notice.part
    return names.pop() if len(names) == 1 and whole else ""


async def add_drafts(store: Store, drafts: Sequence[Draft], now: datetime) -> None:
    """Write messages that follow from no news."""
    await store.write(write_drafts, drafts, now)


class Claimed(NamedTuple):
    """Messages to be sent, and those that nobody can read, with why: these are dead letters."""

    messages: tuple[Message, ...] = ()
    unreadable: tuple[tuple[int, str], ...] = ()


async def claim(
    store: Store, channel: str, holder: str, limit: int, *, now: datetime, lease_s: float
) -> Claimed:
    """Claim the oldest messages of a channel that are due, in one transaction."""
    return await store.write(_claim, channel, holder, limit, now, lease_s)


def _claim(
    connection: Connection, channel: str, holder: str, limit: int, now: datetime, lease_s: float
) -> Claimed:
    waits = _waits(channel, now)
    query = (
        select(messages)
        .where(messages.c.channel == channel, _PENDING, messages.c.next_attempt_at <= now)
        .where(is_free(now), ~waits)
        .order_by(messages.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=messages)
    )
    rows = connection.execute(query).all()
    if rows:
        mine = update(messages).where(messages.c.id.in_([row.id for row in rows]))
        until = now + timedelta(seconds=lease_s)
        connection.execute(
            mine.values(lease_until=until, lease_holder=holder, attempts=messages.c.attempts + 1)
        )
    return _read(connection, rows, holder, now)


def _waits(channel: str, now: datetime) -> ColumnElement[bool]:
    """Return the condition that a message of the channel waits for an earlier one."""
    earlier = messages.alias("earlier")
    before = (
        select(earlier.c.id)
        .where(earlier.c.channel == channel, earlier.c.state == MessageState.PENDING.value)
        .where(earlier.c.id < messages.c.id)
    )
    same = before.where(earlier.c.thread == messages.c.thread)
    begin, _, end = to_json(Group(_ROUTE)).partition(_ROUTE)
    several = literal(begin) + messages.c.route + literal(end)
    lately = before.where(earlier.c.created_at > now - _LONGEST_WAIT)
    after = lately.where(earlier.c.thread == several)
    ahead = lately.where(earlier.c.route == messages.c.route)
    return or_(same.exists(), after.exists(), (messages.c.thread == several) & ahead.exists())


def _read(connection: Connection, rows: Sequence[Any], holder: str, now: datetime) -> Claimed:
    """Return the messages of claimed rows; those that nobody can read end here."""
    read, unreadable = [], []
    for row in rows:
        try:
            told = from_json(row.notice, Notice)
        except msgspec.DecodeError as error:
            unreadable.append((row.id, f"what is stored of it cannot be read: {error}"))
        else:
            tries = row.attempts + 1
            read.append(Message(row.id, row.key, row.channel, told, tries, row.created_at))
    ended = [Outcome(number, MessageState.DEAD, problem) for number, problem in unreadable]
    _finish(connection, holder, ended, now)
    return Claimed(tuple(read), tuple(unreadable))


_END: Final = Prepared(
    update(messages)
    .where(messages.c.id == bindparam("this"), messages.c.lease_holder == bindparam("holder"))
    .where(messages.c.state == bindparam("pending"))
    .values(
        state=bindparam("new_state"),
        problem=bindparam("new_problem"),
        next_attempt_at=bindparam("again", type_=Time),
        sent_at=bindparam("sent", type_=Time),
        lease_until=None,
        lease_holder="",
    )
)


async def finish(store: Store, holder: str, outcomes: Sequence[Outcome], now: datetime) -> None:
    """Write how tries ended, in one transaction; what somebody else holds now is left alone."""
    await store.write(_finish, holder, outcomes, now)


def _finish(
    connection: Connection, holder: str, outcomes: Sequence[Outcome], now: datetime
) -> None:
    _END.run_each(
        connection,
        [
            {
                "this": one.id,
                "holder": holder,
                "pending": MessageState.PENDING.value,
                "new_state": one.state.value,
                "new_problem": one.problem[:_LONGEST_PROBLEM],
                "again": one.again,
                "sent": now if one.state is MessageState.SENT else None,
            }
            for one in outcomes
        ],
    )


async def due_channels(store: Store, now: datetime) -> tuple[str, ...]:
    """Return the channels to which something may be sent now."""
    query = select(messages.c.channel).where(
        _PENDING, messages.c.next_attempt_at <= now, is_free(now)
    )
    rows = await store.read(all_rows, query.distinct().order_by(messages.c.channel))
    return tuple(row.channel for row in rows)


def is_free(now: datetime) -> ColumnElement[bool]:
    """Return the condition that nobody is sending a message just now."""
    return or_(messages.c.lease_until.is_(None), messages.c.lease_until <= now)


async def deliveries(
    store: Store,
    *,
    states: Sequence[str] = (),
    channel: str = "",
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Delivery]:
    """Return messages, the newest first. Who sees some registries only sees theirs."""
    query = select(messages).order_by(messages.c.id.desc()).limit(limit + 1)
    if states:
        query = query.where(messages.c.state.in_(states))
    if channel:
        query = query.where(messages.c.channel == channel)
    if store.sees is not None:
        query = query.where(messages.c.registry.in_(store.sees))
    if cursor is not None:
        query = query.where(messages.c.id < read_cursor(cursor, int)[0])
    rows = await store.read(all_rows, query)
    return page(rows, limit, delivery_value, lambda row: (row.id,))


async def dead_letters(store: Store) -> int:
    """Return how many messages are tried no more. Who sees some registries only counts theirs."""
    query = select(func.count().label("number")).where(messages.c.state == MessageState.DEAD.value)
    if store.sees is not None:
        query = query.where(messages.c.registry.in_(store.sees))
    return int((await store.read(one_row, query)).number)


async def delivery(store: Store, id: int) -> Delivery | None:  # noqa: A002  # the field's word
    """Return one message."""
    query = select(messages).where(messages.c.id == id)
    if store.sees is not None:
        query = query.where(messages.c.registry.in_(store.sees))
    rows = await store.read(all_rows, query)
    return delivery_value(rows[0]) if rows else None


def delivery_value(row: Any) -> Delivery:
    """Return the message of a row, as people see it."""
    return Delivery(
        id=row.id,
        key=row.key,
        route=row.route,
        channel=row.channel,
        registry=row.registry,
        title=row.title,
        state=MessageState(row.state),
        attempts=row.attempts,
        created_at=row.created_at,
        next_attempt_at=row.next_attempt_at,
        sent_at=row.sent_at,
        problem=row.problem,
    )
