"""The dispatcher: from news in the outbox to messages that channels took.

Each step is one transaction that is whole or did not happen, and a message has its key before it
is sent: whoever goes on after a kill sends it again under the same key, and loses nothing.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from itertools import chain, groupby
from random import Random
from typing import Final, TypeVar

import msgspec

from mfl_lint.alert.gathering import gathered, put_off
from mfl_lint.alert.posting import Poster
from mfl_lint.alert.routing import routed, tells, wants
from mfl_lint.alert.sending import Sender
from mfl_lint.alert.settling import settled
from mfl_lint.alert.telling import notice
from mfl_lint.alert.timing import report_due
from mfl_lint.config import Config, maintained_until
from mfl_lint.config_alert import AlertConfig, RouteConfig
from mfl_lint.core.errors import MflLintError
from mfl_lint.core.messages import Draft, Gathered, Handling, Ready
from mfl_lint.core.news import GRACE, Group, Stream
from mfl_lint.service.crawling import utc_now
from mfl_lint.service.delivering import SPARE_LEASE_S, Deliverer, Sends, Trouble, log_trouble
from mfl_lint.service.drafting import drafts_of, with_ignores
from mfl_lint.store import forgetting, groups, news, reports
from mfl_lint.store.engine import Store

T = TypeVar("T")
Planning = Callable[[], Store | None]
_LOG: Final = logging.getLogger("mfl_lint")
_FORGET_EVERY: Final = timedelta(hours=1)
_SETTLE_EVERY: Final = timedelta(seconds=2)
EVERY_S: Final = 0.5
# So much more seldom is it looked for work where no channel is configured, or after a failure.
_IDLE: Final = 20


class Dispatcher:
    """Routes, gathers and delivers what one store holds. `config` gives the one that holds now.

    `failed`, `spare_lease_s` and `haste` are the Deliverer's. `planning` gives the store that
    what is to be sent is written to, None while another service leads and does that.
    """

    def __init__(
        self,
        store: Store,
        config: Callable[[], Config],
        sender: Sends,
        now: Callable[[], datetime],
        chance: Random,
        *,
        failed: Callable[[Trouble], None] = log_trouble,
        spare_lease_s: float = SPARE_LEASE_S,
        haste: float = 1.0,
        planning: Planning | None = None,
    ) -> None:
        self._planning = planning or (lambda: store)
        self._config = config
        self._now = now
        self._messages = Deliverer(
            store, lambda: config().alert, sender, now, chance, failed, spare_lease_s, haste
        )
        self._known: Config | None = None
        self._failing = False
        self._settled: datetime | None = None
        self._forgot: datetime | None = None
        self._reports: dict[str, datetime] = {}

    async def run(self, every_s: float = EVERY_S) -> None:
        """Go on until cancelled; what fails is logged and tried again."""
        try:
            while True:
                self._failing = False
                # What is ready is sent, whatever became of planning what comes next.
                more = await self._tried(self.plan())
                await self._tried(self.forget())
                await self._tried(self._messages.start())
                busy = not self._failing and self._config().alert.channel
                await asyncio.sleep(0 if more else every_s * (1 if busy else _IDLE))
        finally:
            await self._messages.close()

    async def _tried(self, step: Awaitable[T], what: str = "alerts") -> T | None:
        """Return what a step returned, None where it failed: that is logged, and stops no other."""
        try:
            return await step
        except MflLintError as error:
            _LOG.error("%s are put off: %s", what, error)
        except Exception:
            _LOG.exception("%s are put off", what)
        self._failing = True
        return None

    async def drain(self) -> None:
        """Make messages of all that waits to be told now, and try each once.

        What is for others than the channels and routes of these settings is left to whoever
        knows them, and nothing is given up or forgotten.
        """
        while await self.plan(gives_up=False):
            pass
        await self._messages.deliver_all()

    async def plan(self, *, gives_up: bool = True) -> bool:
        """Do what there is to do before messages are sent; say whether there may be more.

        `gives_up`: so is what is for routes that nobody knew for a day.
        """
        config, now, store = self._config(), self._now(), self._planning()
        if store is None:
            return False
        if config is not self._known:
            await groups.look_again(store, now)
            self._known = config
        alerts = config.alert
        routes = [route.name for route in alerts.route]
        lost_before = now - GRACE if gives_up else None
        todo = await news.todo(store, now, routes, lost_before)
        if todo.news and tells(alerts):
            decide = partial(routed, alerts=alerts, now=now)
            routing = news.route_news(store, decide, now, window_s=alerts.flapping_s)
            if await self._tried(routing) is not None:
                return True
        settles = todo.marks and await self._settle(store, alerts, now, gives_up=gives_up)
        for route in alerts.route:
            if route.digest.every:
                report = self._report(store, route, alerts, now)
                await self._tried(report, f"reports of {route.name}")
        if not todo.groups:
            return settles
        gather = partial(self._gather, alerts, now)
        gathering = groups.gather_news(store, gather, now, routes, lost_before)
        return bool(await self._tried(gathering))

    async def _settle(
        self, store: Store, alerts: AlertConfig, now: datetime, *, gives_up: bool
    ) -> bool:
        """Settle marks, every two seconds; say whether that was now."""
        if self._settled is not None and now - self._settled < _SETTLE_EVERY:
            return False
        self._settled = now
        settling = partial(settled, alerts=alerts, now=now, gives_up=gives_up)
        await self._tried(news.settle_marks(store, settling, now))
        return True

    def _gather(
        self,
        alerts: AlertConfig,
        now: datetime,
        ready: Sequence[Ready],
        sent: Mapping[str, Sequence[datetime]],
        handling: Handling,
    ) -> tuple[Gathered, Iterable[Draft]]:
        config = self._config()
        maintained = partial(maintained_until, config, now=now)
        known = with_ignores(handling, config)
        made = []
        by_route = sorted(ready, key=lambda one: one.group.route)
        for route, ones in groupby(by_route, key=lambda one: one.group.route):
            if alerts.route_of(route) is None:
                _LOG.warning("news of the route %s are given up: it is configured no more", route)
            mine = tuple(ones)
            try:
                made.append(gathered(mine, alerts, known, sent, now, maintained))
            except Exception:
                _LOG.exception("messages of the route %s are put off", route)
                made.append(put_off(mine, now))
        drafts = (
            drafts_of(told, alerts, one.whole.get(told.id, ()))
            for one in made
            for told in one.notices
        )
        later = Gathered(groups=tuple(later for one in made for later in one.groups))
        return later, chain.from_iterable(drafts)

    async def _report(
        self, store: Store, route: RouteConfig, alerts: AlertConfig, now: datetime
    ) -> None:
        """Write a report, without asking the store again for one that is known to be written."""
        due = report_due(route.digest, now)
        if self._reports.get(route.name) != due:
            compose = partial(self._compose, route, alerts, due)
            await reports.report(store, route, due, compose, now)
            self._reports[route.name] = due

    def _compose(
        self,
        route: RouteConfig,
        alerts: AlertConfig,
        due: datetime,
        found: Stream,
        stored: Handling,
    ) -> Iterable[Draft]:
        handling = with_ignores(stored, self._config())
        shown = Stream(
            lambda: (one for one in found if wants(route, one) and not handling.hides(one, due))
        )
        told = notice(route, Group(route.name), shown, due, alerts.url, digest=True)
        return drafts_of(told, alerts, shown)

    async def forget(self) -> None:
        """Forget what is old, now and then: only who knows all channels may."""
        alerts, now, store = self._config().alert, self._now(), self._planning()
        if store is None:
            return
        if self._forgot is not None and now - self._forgot < _FORGET_EVERY:
            return
        self._forgot = now
        if not tells(alerts):
            await forgetting.forget_news(store, now - GRACE)
        names = [channel.name for channel in alerts.channel]
        while gone := await forgetting.give_up(store, names, now):
            _LOG.warning("%d messages are for channels that are configured no more", gone)
        await self.forget_old(store)

    async def forget_old(self, store: Store) -> None:
        """Forget what was sent long ago."""
        kept = timedelta(seconds=self._config().alert.keep_s)
        while await forgetting.forget(store, self._now() - kept):
            pass


@asynccontextmanager
async def dispatcher(
    store: Store,
    config: Callable[[], Config],
    failed: Callable[[Trouble], None] = log_trouble,
    planning: Planning | None = None,
) -> AsyncIterator[Dispatcher]:
    """Yield a dispatcher that sends for as long as the context lasts."""
    async with Poster() as poster:
        sender = Sender(poster, dict(os.environ), utc_now)
        chance = Random()  # noqa: S311  # jitter
        yield Dispatcher(store, config, sender, utc_now, chance, failed=failed, planning=planning)


async def dispatch(
    store: Store, config: Callable[[], Config], planning: Planning | None = None
) -> None:
    """Send what there is to be sent, until cancelled."""
    async with dispatcher(store, config, planning=planning) as running:
        await running.run()


async def tell(store: Store, config: Config) -> tuple[Trouble, ...]:
    """Send all that waits, at once, and return what was not taken.

    What was crawled is known whole, nothing need be gathered.
    """
    routes = tuple(msgspec.structs.replace(one, wait_s=0.0) for one in config.alert.route)
    alerts = msgspec.structs.replace(config.alert, route=routes)
    hurried = msgspec.structs.replace(config, alert=alerts)
    troubles: list[Trouble] = []
    async with dispatcher(store, lambda: hurried, troubles.append) as sending:
        await sending.drain()
        await sending.forget_old(store)
    return tuple(troubles)
