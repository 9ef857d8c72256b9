"""What would be sent, without sending it; and a test message, which is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import msgspec

from mfl_lint.alert import alertmanager, webhook
from mfl_lint.alert.gathering import gathered, notice
from mfl_lint.alert.posting import Poster
from mfl_lint.alert.rendering import LONGEST, TemplateBroken, rendered
from mfl_lint.alert.routing import routed
from mfl_lint.alert.secrets import address_of
from mfl_lint.alert.sending import Sender
from mfl_lint.alert.services import family_of
from mfl_lint.config import Config
from mfl_lint.config_alert import AlertConfig, ChannelConfig, RouteConfig
from mfl_lint.core.errors import ConfigInvalid
from mfl_lint.core.messages import Message, Notice, Ready
from mfl_lint.core.news import Group, Kind, News
from mfl_lint.service.alerting import drafts_of, with_ignores
from mfl_lint.service.crawling import utc_now
from mfl_lint.store import handling, news
from mfl_lint.store.engine import Store

_TEST: Final = "nothing is wrong: somebody tries whether messages arrive here"


class Shown(msgspec.Struct, frozen=True):
    """A message that would be sent."""

    route: str
    channel: str
    title: str
    body: str


async def preview(store: Store, config: Config, last: int, now: datetime) -> tuple[Shown, ...]:
    """Return what would be sent for the last changes, as if all had happened at once.

    Waits, quiet hours, rates and what was said before count for nothing.
    """
    found = await news.last_news(store, last, window_s=config.alert.flapping_s)
    # First crawls are shown too: this is to see what messages look like.
    known = {one.registry: datetime.min.replace(tzinfo=UTC) for one in found.news}
    situation = msgspec.structs.replace(found, introduced=known)
    routes = tuple(
        msgspec.structs.replace(one, wait_s=0.0, rate=0, quiet=type(one.quiet)())
        for one in config.alert.route
    )
    alerts = msgspec.structs.replace(config.alert, route=routes)
    waiting: dict[Group, list[News]] = {}
    for one in routed(situation, alerts, now).waiting:
        waiting.setdefault(one.group, []).append(one.news)
    ready = [Ready(at, group, tuple(told)) for at, (group, told) in enumerate(waiting.items())]
    stored = await store.read(handling.handled, now)
    made = gathered(ready, alerts, with_ignores(stored, config), {}, now)
    return tuple(shown for one in made.notices for shown in _shown(one, alerts))


def _shown(told: Notice, alerts: AlertConfig) -> Iterator[Shown]:
    for draft in drafts_of(told, alerts):
        channel = alerts.channel_of(draft.channel)
        if channel is not None:
            yield Shown(told.route, channel.name, draft.title, _body(told, channel))


def _body(told: Notice, channel: ChannelConfig) -> str:
    """Return the body that a channel would get."""
    message = Message(0, told.id, channel.name, told, 1, told.at)
    if channel.kind == "webhook":
        return webhook.body_of(message).decode()
    if channel.kind == "alertmanager":
        return (alertmanager.body_of(message, 0.0) or b"").decode()
    try:
        family = family_of(channel, address_of(channel, os.environ))
    except ConfigInvalid:
        family = channel.format or "markdown"
    try:
        return rendered(told, channel, family, LONGEST)[1]
    except TemplateBroken as error:
        return str(error)


async def send_test(config: Config, name: str) -> None:
    """Send a test message to a channel; raise ConfigInvalid or NotDelivered."""
    channel = config.alert.channel_of(name)
    if channel is None:
        known = ", ".join(one.name for one in config.alert.channel) or "none"
        raise ConfigInvalid(f"no channel is called {name!r:.60}; there are {known}")
    now = utc_now()
    item = News(f"test/{now.isoformat()}", Kind.TEST, now, "", message=_TEST)
    route = RouteConfig("test", (name,))
    told = notice(route, Group("test"), [item], now, config.alert.url)
    async with Poster() as poster:
        sender = Sender(poster, dict(os.environ), utc_now)
        await sender.send(Message(0, told.id, name, told, 1, now), config.alert)
