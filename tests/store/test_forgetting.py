"""Messages that were sent long ago are forgotten; what is young, or still to be sent, is not."""

from __future__ import annotations

from sqlalchemy import update

from mfl_lint.core.messages import Draft, MessageState, Notice
from mfl_lint.core.news import Group
from mfl_lint.store import dump, forgetting, messages
from mfl_lint.store.engine import Store
from mfl_lint.store.statements import run
from mfl_lint.store.tables import messages as table
from tests.store.batches import NOW, later


async def written(store: Store, count: int) -> None:
    drafts = [
        Draft(Notice(str(number), "all", Group("all", "one"), NOW, ()), "hook", "what broke")
        for number in range(count)
    ]
    await messages.add_drafts(store, drafts, NOW)


async def sent(store: Store, count: int) -> None:
    """Mark the first so many as sent."""
    values = {"state": MessageState.SENT.value, "sent_at": NOW}
    assert count == await store.write(run, update(table).where(table.c.id <= count).values(values))


async def test_what_was_sent_is_forgotten_and_what_waits_is_not(store: Store) -> None:
    await written(store, 3)
    await sent(store, 2)
    assert 0 == await forgetting.forget(store, NOW)
    assert 2 == await forgetting.forget(store, later(days=1))
    assert 0 == await forgetting.forget(store, later(days=1))
    assert 1 == (await dump.figures(store)).rows["messages"]


async def test_many_are_forgotten_in_several_turns(store: Store) -> None:
    await written(store, forgetting.AT_ONCE + 1)
    await sent(store, forgetting.AT_ONCE + 1)
    told = [await forgetting.forget(store, later(days=2)) for _ in range(3)]
    assert [forgetting.AT_ONCE, 1, 0] == told
