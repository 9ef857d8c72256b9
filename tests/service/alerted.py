"""A store with findings that change, and a dispatcher that sends what comes of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

import msgspec

from mfl_lint.alert.posting import Poster
from mfl_lint.alert.sending import Sender
from mfl_lint.config import Config
from mfl_lint.config_alert import AlertConfig, ChannelConfig, RouteConfig
from mfl_lint.core.messages import MessageState
from mfl_lint.core.records import CrawlStatus
from mfl_lint.core.rule import Finding
from mfl_lint.core.truth import Tracked, settle_failed_look
from mfl_lint.service.alerting import Dispatcher
from mfl_lint.store import crawls, findings, messages, observations
from mfl_lint.store.engine import Store
from mfl_lint.store.leases import acquire
from tests.receiver import Receiver
from tests.store.batches import NOW, batch, crawl, finding, found, lease, write


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    at: datetime = NOW + timedelta(hours=1)

    def now(self) -> datetime:
        return self.at

    def move(self, **spans: float) -> None:
        self.at += timedelta(**spans)


@dataclass
class Alerted:
    """A store of the registry `one`, which was crawled before, and its dispatcher."""

    store: Store
    receiver: Receiver
    clock: Clock
    config: Config
    environment: dict[str, str]
    poster: Poster
    dispatcher: Dispatcher = field(init=False)

    def __post_init__(self) -> None:
        sender = Sender(self.poster, self.environment, self.clock.now)
        now = self.clock.now
        self.dispatcher = Dispatcher(self.store, lambda: self.config, sender, now, Random(1))

    async def find(self, repository: str, *given: Finding, failed: bool = False) -> None:
        """Look at the tag v1 of a repository, and find these; `failed`: see nothing."""
        held = await acquire(self.store, "one", repository, "me", 120.0, self.clock.now())
        assert held is not None
        before: Sequence[Tracked] = (
            await findings.tracked(self.store, held.repository_id, ["v1"])
        ).get("v1", ())
        made = found(*given, before=before, at=self.clock.now())
        if failed:
            made = settle_failed_look(
                before, reason="unreachable", now=self.clock.now(), missed_rounds=1
            )
        told = batch(write("v1", settlement=made), at=self.clock.now())
        await observations.record(self.store, held, told)

    async def settle(self) -> None:
        """Do all that there is to do now; what failed is tried again when its time has come."""
        await self.dispatcher.drain()

    async def delivered(self) -> dict[MessageState, int]:
        """Return how many messages there are by state."""
        page = await messages.deliveries(self.store, limit=1000)
        states = [one.state for one in page.items]
        return {state: states.count(state) for state in MessageState if state in states}

    def events(self) -> list[Any]:
        """Return what the receiver took, decoded."""
        return [msgspec.json.decode(got.body)["data"] for got in self.receiver.taken]

    def titles(self) -> list[str]:
        return [event["title"] for event in self.events()]


def settings(url: str, *routes: RouteConfig, **channel: Any) -> AlertConfig:
    """Return settings with a webhook at the URL."""
    hook = ChannelConfig("hook", "webhook", url=f"{url}/hook", timeout_s=30.0)
    hook = msgspec.structs.replace(hook, **channel)
    usual = RouteConfig("team", ("hook",), wait_s=0.0, rate=0)
    return AlertConfig(channel=(hook,), route=routes or (usual,), url="https://lint.example")


@asynccontextmanager
async def alerted(
    store: Store,
    configure: Callable[[str], AlertConfig] = settings,
    *,
    crawled: bool = True,
    receiver: Receiver | None = None,
) -> AsyncIterator[Alerted]:
    """Yield the store with a dispatcher and a receiver."""
    clock = Clock()
    await lease(store)
    if crawled:
        first = await crawl(store)
        await crawls.progress(store, first, repositories=1, repositories_done=1, tags=1, requests=1)
        await crawls.finish_crawl(store, first, CrawlStatus.DONE, "", NOW)
    async with receiver or Receiver() as heard, Poster() as poster:
        yield Alerted(store, heard, clock, Config(alert=configure(heard.url)), {}, poster)


def fault(repository: str = "team/app", number: int = 0, **changed: Any) -> Finding:
    """Return a finding of a repository's tag v1."""
    subject = f"linux/arm64/{number}"
    return finding("v1", repository=repository, subject=subject, **changed)
