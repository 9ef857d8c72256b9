"""Messages that were sent long ago are forgotten; what is young, or still to be sent, is not."""

from __future__ import annotations

from mfl_lint.core.messages import Draft, MessageState, Notice, Outcome
from mfl_lint.core.news import Group
from mfl_lint.store import forgetting, messages
from mfl_lint.store.engine import Store
from tests.store.batches import NOW, later


async def written(store: Store, count: int) -> None:
    drafts = [
        Draft(Notice(str(number), "all", Group("all", "one"), NOW, ()), "hook", "what broke")
        for number in range(count)
    ]
    await messages.add_drafts(store, drafts, NOW)


async def sent(store: Store, count: int) -> None:
    claimed = await messages.claim(store, "hook", "somebody", count, now=NOW, lease_s=60.0)
    assert count == len(claimed.messages)
    outcomes = [Outcome(one.id, MessageState.SENT) for one in claimed.messages]
    await messages.finish(store, "somebody", outcomes, NOW)


async def test_what_was_sent_is_forgotten_and_what_waits_is_not(store: Store) -> None:
    await written(store, 3)
    await sent(store, 2)
    assert 0 == await forgetting.forget(store, NOW)
    assert 2 == await forgetting.forget(store, later(days=1))
    assert 0 == await forgetting.forget(store, later(days=1))
    await sent(store, 1)


async def test_many_are_forgotten_in_several_turns(store: Store) -> None:
    await written(store, forgetting.AT_ONCE + 1)
    await sent(store, forgetting.AT_ONCE + 1)
    told = [await forgetting.forget(store, later(days=2)) for _ in range(3)]
    assert [forgetting.AT_ONCE, 1, 0] == told
