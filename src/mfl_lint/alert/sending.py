"""One message to one channel, whatever kind it is."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from mfl_lint.alert import alertmanager, services, webhook
from mfl_lint.alert.posting import Poster, agent_of
from mfl_lint.alert.secrets import address_of, channel_secret
from mfl_lint.alert.threads import Threads
from mfl_lint.alert.timing import lasting_s
from mfl_lint.config_alert import AlertConfig, ChannelConfig
from mfl_lint.core.errors import ConfigInvalid, NotDelivered
from mfl_lint.core.messages import Message
from mfl_lint.core.policy import Severity

_LOG: Final = logging.getLogger("mfl_lint")


class Sender:
    """Sends messages. `environment` holds secrets by name; `now` gives aware UTC."""

    def __init__(
        self, poster: Poster, environment: Mapping[str, str], now: Callable[[], datetime]
    ) -> None:
        self._poster = poster
        self._environment = environment
        self._now = now
        self._threads = Threads()

    async def send(self, message: Message, alerts: AlertConfig) -> None:
        """Return when the channel took the message; raise NotDelivered."""
        channel = alerts.channel_of(message.channel)
        if channel is None:
            raise NotDelivered("the channel is configured no more", again=True)
        try:
            await self._send(message, channel, alerts)
        except ConfigInvalid as error:
            # A secret may be there again at the next try.
            raise NotDelivered(str(error), again=True) from None

    async def _send(self, message: Message, channel: ChannelConfig, alerts: AlertConfig) -> None:
        url = address_of(channel, self._environment)
        if channel.kind == "apprise":
            problem = await services.notify(message.notice, channel, url, self._threads)
            if problem:
                _LOG.warning("channel %s: %s; ours was used", channel.name, problem)
        elif channel.kind == "webhook":
            body = webhook.body_of(message)
            secret = channel_secret(channel, "secret", self._environment)
            headers = webhook.headers_of(message, body, secret, self._now())
            headers |= agent_of(alerts.url)
            await self._poster.post(url, body, headers, channel.timeout_s)
        else:
            await self._alertmanager(message, channel, alerts, url)

    async def _alertmanager(
        self, message: Message, channel: ChannelConfig, alerts: AlertConfig, url: str
    ) -> None:
        route = alerts.route_of(message.notice.route)
        now = self._now()
        repeat_s = lasting_s(route, now) if route else 0.0
        least = Severity(route.severity) if route else Severity.INFO
        body = alertmanager.body_of(message, repeat_s, least, now)
        if body is None:
            return
        headers = {"Content-Type": "application/json", **agent_of(alerts.url)}
        token = channel_secret(channel, "token", self._environment)
        if token:
            headers["Authorization"] = f"Bearer {token}"
        await self._poster.post(alertmanager.target(url), body, headers, channel.timeout_s)
