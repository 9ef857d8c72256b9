"""What of alerts is old: messages, dead letters, silences and ignores that are over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, Table, delete, or_, select, update

from mfl_lint.core.messages import MessageState
from mfl_lint.core.news import GRACE
from mfl_lint.store.engine import Store
from mfl_lint.store.messages import is_free
from mfl_lint.store.statements import run
from mfl_lint.store.tables import ignores, messages, silences

AT_ONCE: Final = 500


async def give_up(store: Store, channels: Sequence[str], now: datetime) -> int:
    """Make dead letters of what waits for other channels than these; return how many.

    What is young is left alone: another process may know its channel.
    """
    pending = messages.c.state == MessageState.PENDING.value
    lost = update(messages).where(pending, messages.c.channel.not_in(channels), is_free(now))
    values = {"state": MessageState.DEAD.value, "problem": "the channel is configured no more"}
    old = lost.where(messages.c.created_at <= now - GRACE)
    return await store.write(run, old.values(values))


async def forget(store: Store, sent_before: datetime, dead_before: datetime) -> int:
    """Forget so many at most, and return how many.

    `sent_before` is for what was sent, and for silences and ignores that were over; dead letters
    are those made, or tried again, before `dead_before`.
    """
    return await store.write(_forget, sent_before, dead_before)


def _forget(connection: Connection, sent_before: datetime, dead_before: datetime) -> int:
    sent = (messages.c.state == MessageState.SENT.value) & (messages.c.sent_at < sent_before)
    dead = (messages.c.state == MessageState.DEAD.value) & (messages.c.created_at < dead_before)
    over: list[tuple[Table, ColumnElement[bool]]] = [
        (messages, or_(sent, dead)),
        (silences, silences.c.expires < sent_before),
        (ignores, ignores.c.expires < sent_before),
    ]
    gone = 0
    for table, which in over:
        chosen = select(table.c.id).where(which).order_by(table.c.id).limit(AT_ONCE)
        gone += run(connection, delete(table).where(table.c.id.in_(chosen.scalar_subquery())))
    return gone
