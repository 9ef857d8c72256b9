"""What would be sent, without sending it; and a test message, which is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec

from mfl_lint.alert import alertmanager, webhook
from mfl_lint.alert.gathering import gathered
from mfl_lint.alert.posting import Poster
from mfl_lint.alert.rendering import LONGEST, TemplateBroken, rendered
from mfl_lint.alert.routing import routed
from mfl_lint.alert.secrets import address_of
from mfl_lint.alert.sending import Sender
from mfl_lint.alert.services import family_of
from mfl_lint.alert.settling import settled
from mfl_lint.alert.telling import notice
from mfl_lint.config import Config
from mfl_lint.config_alert import AlertConfig, ChannelConfig, RouteConfig
from mfl_lint.core.errors import ConfigInvalid
from mfl_lint.core.messages import Draft, Message, Notice, Ready
from mfl_lint.core.news import Group, Kind, News
from mfl_lint.service.crawling import utc_now
from mfl_lint.service.drafting import drafts_of, with_ignores
from mfl_lint.store import handling, news
from mfl_lint.store.engine import Store

_TEST: Final = "nothing is broken: `mfl-lint alerts test {}` tries whether messages arrive here"


class Shown(msgspec.Struct, frozen=True):
    """A message that would be sent."""

    route: str
    channel: str
    title: str
    body: str


async def preview(store: Store, config: Config, last: int, now: datetime) -> tuple[Shown, ...]:
    """Return what would be sent for the last changes, as if all had happened at once.

    Waits, quiet hours, rates and what was said before count for nothing; a first crawl is summed
    up as if it were over.
    """
    found = await news.last_news(store, last, now, window_s=config.alert.flapping_s)
    introduced = {one.registry: found.introduced.get(one.registry) or now for one in found.news}
    situation = msgspec.structs.replace(found, introduced=introduced)
    routes = tuple(
        msgspec.structs.replace(one, wait_s=0.0, rate=0, quiet=type(one.quiet)())
        for one in config.alert.route
    )
    alerts = msgspec.structs.replace(config.alert, route=routes)
    sent, counts = routed(situation, alerts, now), await news.counts(store)
    begun = [mark for mark in sent.marks if mark.kind == "new"]
    summed = settled(begun, *counts, introduced, alerts, now)
    waiting: dict[Group, list[News]] = {}
    for one in (*sent.waiting, *summed.waiting):
        waiting.setdefault(one.group, []).append(one.news)
    ready = [Ready(at, group, tuple(told)) for at, (group, told) in enumerate(waiting.items())]
    stored = await store.read(handling.handled, now)
    made = gathered(ready, alerts, with_ignores(stored, config), {}, now)
    drafts = (
        draft
        for one in made.notices
        for draft in drafts_of(one, alerts, made.whole.get(one.id, ()))
    )
    return tuple(shown for draft in drafts for shown in _shown(draft, alerts))


def _shown(draft: Draft, alerts: AlertConfig) -> Iterator[Shown]:
    channel = alerts.channel_of(draft.channel)
    if channel is not None:
        title, body = _said(draft.notice, channel)
        yield Shown(draft.notice.route, channel.name, title or draft.title, body)


def _said(told: Notice, channel: ChannelConfig) -> tuple[str, str]:
    """Return the title, "" for the message's own, and the body that a channel would get."""
    message = Message(0, told.id, channel.name, told, 1, told.at)
    if channel.kind == "webhook":
        return "", webhook.body_of(message).decode()
    if channel.kind == "alertmanager":
        return "", (alertmanager.body_of(message, 0.0) or b"").decode()
    try:
        family = family_of(channel, address_of(channel, os.environ))
    except ConfigInvalid:
        family = channel.format or "markdown"
    try:
        return rendered(told, channel, family, LONGEST)
    except TemplateBroken as error:
        return "", str(error)


async def send_test(config: Config, name: str) -> None:
    """Send a test message to a channel; raise ConfigInvalid or NotDelivered."""
    channel = config.alert.channel_of(name)
    if channel is None:
        known = ", ".join(one.name for one in config.alert.channel)
        none = f"none is: add [[alert.channel]] to {config.path or 'mfl-lint.toml'}"
        raise ConfigInvalid(
            f"no channel {name!r:.60} is configured; {f'configured: {known}' if known else none}"
        )
    now = utc_now()
    item = News(f"test/{now.isoformat()}", Kind.TEST, now, "", message=_TEST.format(name))
    route = RouteConfig("test", (name,))
    told = notice(route, Group("test"), [item], now, config.alert.url)
    async with Poster() as poster:
        sender = Sender(poster, dict(os.environ), utc_now)
        await sender.send(Message(0, told.id, name, told, 1, now), config.alert)
