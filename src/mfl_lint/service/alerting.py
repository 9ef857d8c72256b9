"""The dispatcher: from news in the outbox to messages that channels took.

Each step is one transaction that is whole or did not happen, and a message has its key before it
is sent: whoever goes on after a kill sends it again under the same key, and loses nothing.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Final, Protocol, TypeVar
from uuid import uuid4

import msgspec

from mfl_lint.alert.gathering import gathered, notice
from mfl_lint.alert.posting import Poster
from mfl_lint.alert.routing import routed, settled, wants
from mfl_lint.alert.sending import Sender
from mfl_lint.alert.timing import pause_s, report_due
from mfl_lint.alert.words import title_of
from mfl_lint.config import Config, maintained_until
from mfl_lint.config_alert import AlertConfig, RouteConfig
from mfl_lint.core.errors import MflLintError, NotDelivered
from mfl_lint.core.messages import (
    Draft,
    Gathered,
    Handling,
    Message,
    MessageState,
    Notice,
    Outcome,
    Ready,
)
from mfl_lint.core.news import Group, News
from mfl_lint.service.crawling import utc_now
from mfl_lint.store import groups, messages, news, reports
from mfl_lint.store.engine import Store

T = TypeVar("T")
_LOG: Final = logging.getLogger("mfl_lint")
_AT_ONCE: Final = 8
SPARE_LEASE_S: Final = 30.0
_FORGET_EVERY: Final = timedelta(hours=1)
_SETTLE_EVERY: Final = timedelta(seconds=2)
EVERY_S: Final = 0.5
# So much more seldom is it looked for work where no channel is configured, or after a failure.
_IDLE: Final = 20


class Sends(Protocol):
    """Whatever sends a message; it raises NotDelivered."""

    async def send(self, message: Message, alerts: AlertConfig) -> None:
        """Return when the channel took the message."""


class Dispatcher:
    """Routes, gathers and delivers what one store holds. `config` gives the one that holds now.

    A message is its sender's for twice the channel's timeout and `spare_lease_s`; pauses before a
    message is tried again are multiplied by `haste`.
    """

    def __init__(
        self,
        store: Store,
        config: Callable[[], Config],
        sender: Sends,
        now: Callable[[], datetime],
        chance: Random,
        *,
        spare_lease_s: float = SPARE_LEASE_S,
        haste: float = 1.0,
    ) -> None:
        self._store = store
        self._config = config
        self._sender = sender
        self._now = now
        self._chance = chance
        self._spare_lease_s = spare_lease_s
        self._haste = haste
        self._holder = f"{socket.gethostname()[:60]}:{os.getpid()}:{uuid4().hex[:8]}"
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._settled: datetime | None = None
        self._forgot: datetime | None = None
        self._reports: dict[str, datetime] = {}

    async def run(self, every_s: float = EVERY_S) -> None:
        """Go on until cancelled; what fails is logged and tried again."""
        try:
            while True:
                # What is ready is sent, whatever became of planning what comes next.
                more, planned = await self._tried(self.plan)
                _, started = await self._tried(self._start_sending)
                busy = planned and started and self._config().alert.channel
                await asyncio.sleep(0 if more else every_s * (1 if busy else _IDLE))
        finally:
            await self.close()

    async def _tried(self, step: Callable[[], Awaitable[T]]) -> tuple[T | None, bool]:
        """Return what a step returned, and whether it went well; a failure is logged."""
        try:
            return await step(), True
        except MflLintError as error:
            _LOG.error("alerts are put off: %s", error)
        except Exception:
            _LOG.exception("alerts are put off")
        return None, False

    async def close(self) -> None:
        """Break off what is being sent: it is sent again when its lease is over."""
        tasks = tuple(self._sending.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def drain(self) -> None:
        """Make messages of all that waits to be told now, and try each once."""
        while await self.plan():
            pass
        for channel in await messages.due_channels(self._store, self._now()):
            await self._deliver(channel)

    async def plan(self) -> bool:
        """Do what there is to do before messages are sent; say whether there may be more."""
        alerts, now = self._config().alert, self._now()
        todo = await news.todo(self._store, now)
        if todo.news:
            decide = partial(routed, alerts=alerts, now=now)
            await news.route_news(self._store, decide, window_s=alerts.flapping_s)
            return True
        settles = todo.marks and (self._settled is None or now - self._settled >= _SETTLE_EVERY)
        if settles:
            self._settled = now
            await news.settle_marks(self._store, partial(settled, alerts=alerts, now=now))
        await self._report(alerts, now)
        await self._forget(alerts, now)
        if todo.groups:
            gather = partial(self._gather, alerts, now)
            return await groups.gather_news(self._store, gather, now) > 0
        return settles

    def _gather(
        self,
        alerts: AlertConfig,
        now: datetime,
        ready: Sequence[Ready],
        sent: Mapping[str, Sequence[datetime]],
        handling: Handling,
    ) -> tuple[Gathered, Sequence[Draft]]:
        config = self._config()
        maintained = partial(maintained_until, config, now=now)
        known = with_ignores(handling, config)
        made = gathered(ready, alerts, known, sent, now, maintained)
        return made, [draft for one in made.notices for draft in drafts_of(one, alerts)]

    async def _report(self, alerts: AlertConfig, now: datetime) -> None:
        for route in alerts.route:
            if route.digest.every:
                due = report_due(route.digest, now)
                compose = partial(self._compose, route, alerts, due)
                await self._reported(route.name, due, compose, now)

    async def _reported(
        self,
        route: str,
        due: datetime,
        compose: Callable[[Sequence[News], Handling], Sequence[Draft]],
        now: datetime,
    ) -> None:
        """Write a report, without asking the store again for one that is known to be written."""
        if self._reports.get(route) != due:
            await reports.report(self._store, route, due, compose, now)
            self._reports[route] = due

    def _compose(
        self,
        route: RouteConfig,
        alerts: AlertConfig,
        due: datetime,
        found: Sequence[News],
        stored: Handling,
    ) -> Sequence[Draft]:
        handling = with_ignores(stored, self._config())
        shown = [one for one in found if wants(route, one) and not handling.hides(one, due)]
        told = notice(route, Group(route.name), shown, due, alerts.url, digest=True)
        return drafts_of(told, alerts)

    async def _forget(self, alerts: AlertConfig, now: datetime) -> None:
        if self._forgot is not None and now - self._forgot < _FORGET_EVERY:
            return
        self._forgot = now
        names = [channel.name for channel in alerts.channel]
        gone = await messages.unreachable(self._store, names, now)
        if gone:
            _LOG.warning("%d messages are for channels that are configured no more", gone)
        while await messages.forget(self._store, now - timedelta(seconds=alerts.keep_s)):
            pass

    async def _start_sending(self) -> None:
        """See to it that each channel with something to send is being sent to."""
        for name in await messages.due_channels(self._store, self._now()):
            task = self._sending.get(name)
            if task is None or task.done():
                self._sending[name] = asyncio.create_task(self._delivered(name))

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
            alerts = self._config().alert
            channel = alerts.channel_of(name)
            lease_s = 2 * (channel.timeout_s if channel else 0.0) + self._spare_lease_s
            claimed = await messages.claim(
                self._store, name, self._holder, _AT_ONCE, now=self._now(), lease_s=lease_s
            )
            if not claimed:
                return
            outcomes = await asyncio.gather(*(self._try(one, alerts) for one in claimed))
            await messages.finish(self._store, self._holder, outcomes, self._now())

    async def _try(self, message: Message, alerts: AlertConfig) -> Outcome:
        try:
            await self._sender.send(message, alerts)
        except NotDelivered as error:
            return self._failed(message, alerts, error)
        except Exception as error:
            _LOG.exception("sending to %s broke", message.channel)
            broke = NotDelivered(f"sending broke: {type(error).__name__}", again=True)
            return self._failed(message, alerts, broke)
        return Outcome(message.id, MessageState.SENT)

    def _failed(self, message: Message, alerts: AlertConfig, error: NotDelivered) -> Outcome:
        now = self._now()
        given_up = now - message.created_at >= timedelta(seconds=alerts.give_up_s)
        if not error.again or given_up:
            _LOG.error("a message to %s is a dead letter: %s", message.channel, error)
            return Outcome(message.id, MessageState.DEAD, str(error))
        wait_s = self._haste * pause_s(message.attempts, error.after_s, self._chance)
        again = now + timedelta(seconds=wait_s)
        return Outcome(message.id, MessageState.PENDING, str(error), again)


@asynccontextmanager
async def dispatcher(store: Store, config: Callable[[], Config]) -> AsyncIterator[Dispatcher]:
    """Yield a dispatcher that sends for as long as the context lasts."""
    async with Poster() as poster:
        sender = Sender(poster, dict(os.environ), utc_now)
        yield Dispatcher(store, config, sender, utc_now, Random())  # noqa: S311  # jitter


async def dispatch(store: Store, config: Callable[[], Config]) -> None:
    """Send what there is to be sent, until cancelled."""
    async with dispatcher(store, config) as running:
        await running.run()


async def tell(store: Store, config: Config) -> None:
    """Send all that waits, at once: what was crawled is known whole, nothing need be gathered."""
    routes = tuple(msgspec.structs.replace(one, wait_s=0.0) for one in config.alert.route)
    alerts = msgspec.structs.replace(config.alert, route=routes)
    hurried = msgspec.structs.replace(config, alert=alerts)
    async with dispatcher(store, lambda: hurried) as sending:
        await sending.drain()


def with_ignores(stored: Handling, config: Config) -> Handling:
    """Return what people did, with the configuration's ignores."""
    return msgspec.structs.replace(stored, ignores=(*config.policy.ignores, *stored.ignores))


def drafts_of(told: Notice, alerts: AlertConfig) -> list[Draft]:
    """Return the messages to all channels of a notice's route."""
    route = alerts.route_of(told.route)
    names = dict.fromkeys(route.channels if route is not None else ())
    return [Draft(told, name, title_of(told)) for name in names]
