"""Messages to channels: claimed, sent, and what becomes of those that nobody took."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Final, Protocol

import msgspec

from mfl_lint.alert.timing import pause_s
from mfl_lint.alert.words import title_of
from mfl_lint.config_alert import AlertConfig
from mfl_lint.core.errors import MflLintError, NotDelivered
from mfl_lint.core.messages import Message, MessageState, Outcome
from mfl_lint.crawl.holder import new_holder
from mfl_lint.store import messages
from mfl_lint.store.engine import Store

_LOG: Final = logging.getLogger("mfl_lint")
_AT_ONCE: Final = 8
SPARE_LEASE_S: Final = 30.0


class Sends(Protocol):
    """Whatever sends a message; it raises NotDelivered."""

    async def send(self, message: Message, alerts: AlertConfig) -> None:
        """Return when the channel took the message."""


class Trouble(msgspec.Struct, frozen=True):
    """A message that a channel did not take; `dead`: it is tried no more."""

    id: int
    channel: str
    problem: str
    dead: bool
    title: str = ""


def log_trouble(trouble: Trouble) -> None:
    """Log what a channel did not take: a warning while it is tried again."""
    what = f"message {trouble.id} to {trouble.channel}"
    what += f" ({trouble.title})" if trouble.title else ""
    if trouble.dead:
        cure = f"`mfl-lint alerts retry {trouble.id}` has it tried again"
        _LOG.error("%s is a dead letter: %s; %s", what, trouble.problem, cure)
    else:
        _LOG.warning("%s was not taken, and is tried again: %s", what, trouble.problem)


class Deliverer:
    """Sends what waits in a store. `failed` is told of each message that was not taken.

    A message is its sender's for twice the channel's timeout and `spare_lease_s`; pauses before a
    message is tried again are multiplied by `haste`.
    """

    def __init__(
        self,
        store: Store,
        alerts: Callable[[], AlertConfig],
        sender: Sends,
        now: Callable[[], datetime],
        chance: Random,
        failed: Callable[[Trouble], None],
        spare_lease_s: float,
        haste: float,
    ) -> None:
        self._store = store
        self._alerts = alerts
        self._sender = sender
        self._now = now
        self._chance = chance
        self._failed = failed
        self._spare_lease_s = spare_lease_s
        self._haste = haste
        self._holder = new_holder()
        self._sending: dict[str, asyncio.Task[None]] = {}

    async def start(self) -> None:
        """See to it that each channel with something to send is being sent to."""
        for name in await self._due():
            task = self._sending.get(name)
            if task is None or task.done():
                self._sending[name] = asyncio.create_task(self._delivered(name))

    async def close(self) -> None:
        """Break off what is being sent: it is sent again when its lease is over."""
        tasks = tuple(self._sending.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def deliver_all(self) -> None:
        """Try all that is due now."""
        for name in await self._due():
            await self._deliver(name)

    async def _due(self) -> list[str]:
        """Return the channels that something is due for; others than ours are somebody else's."""
        alerts = self._alerts()
        due = await messages.due_channels(self._store, self._now())
        return [name for name in due if alerts.channel_of(name) is not None]

    async def _delivered(self, channel: str) -> None:
        try:
            await self._deliver(channel)
        except MflLintError as error:
            _LOG.error("messages to %s are put off: %s", channel, error)
        except Exception:
            _LOG.exception("messages to %s are put off", channel)

    async def _deliver(self, name: str) -> None:
        """Send to a channel until nothing is due."""
        while True:
            alerts = self._alerts()
            channel = alerts.channel_of(name)
            if channel is None:
                return
            lease_s = 2 * channel.timeout_s + self._spare_lease_s
            claimed = await messages.claim(
                self._store, name, self._holder, _AT_ONCE, now=self._now(), lease_s=lease_s
            )
            for id_, problem in claimed.unreadable:
                self._failed(Trouble(id_, name, problem, dead=True))
            if not claimed.messages and not claimed.unreadable:
                return
            outcomes = await asyncio.gather(*(self._try(one, alerts) for one in claimed.messages))
            await messages.finish(self._store, self._holder, outcomes, self._now())

    async def _try(self, message: Message, alerts: AlertConfig) -> Outcome:
        try:
            await self._sender.send(message, alerts)
        except NotDelivered as error:
            return self._ended(message, alerts, error)
        except Exception as error:
            _LOG.exception("sending to %s broke", message.channel)
            broke = NotDelivered(f"sending broke: {type(error).__name__}", again=True)
            return self._ended(message, alerts, broke)
        return Outcome(message.id, MessageState.SENT)

    def _ended(self, message: Message, alerts: AlertConfig, error: NotDelivered) -> Outcome:
        """Return what becomes of a message that was not taken."""
        now = self._now()
        given_up = now - message.created_at >= timedelta(seconds=alerts.give_up_s)
        dead = not error.again or given_up
        title = title_of(message.notice)
        self._failed(Trouble(message.id, message.channel, str(error), dead, title))
        if dead:
            return Outcome(message.id, MessageState.DEAD, str(error))
        wait_s = self._haste * pause_s(message.attempts, error.after_s, self._chance)
        again = now + timedelta(seconds=wait_s)
        return Outcome(message.id, MessageState.PENDING, str(error), again)
