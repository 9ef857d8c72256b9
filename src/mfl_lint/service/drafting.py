"""From what is told to a message for each channel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from mfl_lint.alert.telling import parts, without_eased
from mfl_lint.alert.words import title_of
from mfl_lint.config import Config
from mfl_lint.config_alert import AlertConfig
from mfl_lint.core.messages import Draft, Handling, Notice
from mfl_lint.core.news import Kind, News, Stream


def with_ignores(stored: Handling, config: Config) -> Handling:
    """Return what people did, with the configuration's ignores."""
    return msgspec.structs.replace(stored, ignores=(*config.policy.ignores, *stored.ignores))


def drafts_of(told: Notice, alerts: AlertConfig, whole: Iterable[News]) -> Iterator[Draft]:
    """Yield the messages to all channels of a notice's route.

    `whole`: all of its news, where it has no place for them; programs are told every one. What
    only eased is for Alertmanagers.
    """
    route = alerts.route_of(told.route)
    for name in dict.fromkeys(route.channels if route is not None else ()):
        kind = channel.kind if (channel := alerts.channel_of(name)) is not None else "apprise"
        mine: Notice | None = told
        news = whole
        if kind != "alertmanager":
            mine = without_eased(told)
            news = Stream(lambda: (one for one in whole if one.kind is not Kind.EASED))
        if mine is None:
            continue
        for part in (mine,) if kind == "apprise" else parts(mine, news):
            yield Draft(part, name, title_of(part))
