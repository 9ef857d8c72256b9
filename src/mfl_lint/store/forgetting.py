"""Messages that are over: those that were sent long ago, and those that nobody can send; old news.

What else of alerts is over goes by `[retention]` (`retention.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import delete, select, update

from mfl_lint.core.messages import MessageState
from mfl_lint.core.news import GRACE
from mfl_lint.store.engine import Store
from mfl_lint.store.messages import is_free
from mfl_lint.store.statements import run
from mfl_lint.store.tables import messages, outbox

AT_ONCE: Final = 500


async def give_up(store: Store, channels: Sequence[str], now: datetime) -> int:
    """Make dead letters of some of what waits for other channels than these; return how many.

    What is young is left alone: another process may know its channel.
    """
    pending = messages.c.state == MessageState.PENDING.value
    lost = select(messages.c.id).where(pending, messages.c.channel.not_in(channels), is_free(now))
    old = lost.where(messages.c.created_at <= now - GRACE).order_by(messages.c.id).limit(AT_ONCE)
    values = {"state": MessageState.DEAD.value, "problem": "the channel is configured no more"}
    chosen = messages.c.id.in_(old.scalar_subquery())
    return await store.write(run, update(messages).where(chosen, pending).values(values))


async def forget(store: Store, sent_before: datetime) -> int:
    """Forget so many at most of the messages that were sent before, and return how many."""
    sent = (messages.c.state == MessageState.SENT.value) & (messages.c.sent_at < sent_before)
    chosen = select(messages.c.id).where(sent).order_by(messages.c.id).limit(AT_ONCE)
    return await store.write(
        run, delete(messages).where(messages.c.id.in_(chosen.scalar_subquery()))
    )


async def forget_news(store: Store, before: datetime) -> int:
    """Forget what happened before and nobody routed, and return how much."""
    return await store.write(run, delete(outbox).where(outbox.c.created_at < before))
