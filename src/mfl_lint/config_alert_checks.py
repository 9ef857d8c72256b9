"""What of the settings of alerts cannot work; the rules that routes name, as ids."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec

from mfl_lint.config_alert import AlertConfig, ChannelConfig, DigestConfig, RouteConfig
from mfl_lint.config_checks import check_globs
from mfl_lint.config_policy import RuleNames, named_rules, rule_names
from mfl_lint.config_tables import Reading
from mfl_lint.core.news import ROUTED

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_LONGEST_TEMPLATE: Final = 20_000


def alert_of(table: AlertConfig, reading: Reading) -> AlertConfig:
    """Return the settings with ids for the rules' names; what is wrong is noted."""
    names = [*_twice("channel", [one.name for one in table.channel])]
    names += _twice("route", [one.name for one in table.route])
    if table.url and not is_http_url(table.url):
        names.append("alert.url: write it as https://host")
    for mistake in names:
        reading.add(mistake)
    for at, channel in enumerate(table.channel):
        for mistake in _channel(channel, f"alert.channel[{at}]"):
            reading.add(mistake)
    known, routes = rule_names(), []
    for at, route in enumerate(table.route):
        routes.append(_route(route, f"alert.route[{at}]", table, known, reading))
    return msgspec.structs.replace(table, route=tuple(routes))


def _twice(kind: str, names: list[str]) -> Iterator[str]:
    for at, name in enumerate(names):
        if not _NAME.fullmatch(name):
            wanted = "1 to 63 of a-z, 0-9, '.', '_', '-'"
            yield f"alert.{kind}[{at}].name: {name!r:.70} must be {wanted}"
        elif name in names[:at]:
            yield f"alert.{kind}[{at}].name: {name!r:.70} is used twice"


def is_http_url(text: str) -> bool:
    """Say whether it is http or https to a host, without a user or a password in it."""
    try:
        url = urlsplit(text)
        host, _ = url.hostname, url.port
    except ValueError:
        return False
    return url.scheme in ("http", "https") and bool(host) and "@" not in url.netloc


def _channel(channel: ChannelConfig, key: str) -> Iterator[str]:
    given = [name for name in ("url", "url_env", "url_file") if getattr(channel, name)]
    if len(given) != 1:
        yield f"{key}: set one of url, url_env and url_file"
    if channel.kind == "apprise" and channel.url:
        yield f"{key}.url: it is a secret for apprise: use url_env or url_file"
    elif channel.url and not is_http_url(channel.url):
        yield f"{key}.url: write it as https://host/path, without a user"
    for name, kind in (("secret", "webhook"), ("token", "alertmanager")):
        pair = getattr(channel, f"{name}_env"), getattr(channel, f"{name}_file")
        if any(pair) and channel.kind != kind:
            yield f"{key}.{name}_env: means nothing for {channel.kind}"
        if all(pair):
            yield f"{key}.{name}_env: set either {name}_env or {name}_file, not both"
    if channel.kind != "apprise" and (channel.format or channel.title or channel.body):
        yield f"{key}.format: format, title and body are for apprise"
    if max(len(channel.title), len(channel.body)) > _LONGEST_TEMPLATE:
        yield f"{key}.body: a template has at most {_LONGEST_TEMPLATE} characters"


def _route(
    route: RouteConfig, key: str, table: AlertConfig, known: RuleNames, reading: Reading
) -> RouteConfig:
    names = {one.name for one in table.channel}
    for mistake in _route_mistakes(route, key, names):
        reading.add(mistake)
    rules = route.rules
    with reading.gathering():
        check_globs((*route.registries, *route.repositories, *route.tags), key)
    with reading.gathering():
        rules = named_rules(route.rules, f"{key}.rules", known)
    return msgspec.structs.replace(route, rules=rules)


def _route_mistakes(route: RouteConfig, key: str, channels: set[str]) -> Iterator[str]:
    if not route.channels:
        yield f"{key}.channels: name at least one"
    for name in route.channels:
        if name not in channels:
            yield f"{key}.channels: there is no channel {name!r:.70}"
    for state in route.states:
        if state not in ROUTED:
            yield f"{key}.states: {state!r:.40} is none of {', '.join(ROUTED)}"
    if route.quiet.start or route.quiet.end:
        yield from _clock(f"{key}.quiet.start", route.quiet.start, route.quiet.zone)
        yield from _clock(f"{key}.quiet.end", route.quiet.end, route.quiet.zone)
        if route.quiet.start == route.quiet.end:
            yield f"{key}.quiet.end: the same as start: that is no time, or all of it"
    if route.digest.every:
        yield from _digest(route.digest, f"{key}.digest")


def _digest(digest: DigestConfig, key: str) -> Iterator[str]:
    yield from _clock(f"{key}.at", digest.at, digest.zone)
    if digest.day > 7:
        yield f"{key}.day: 1 (Monday) to 7"


def _clock(key: str, time: str, zone: str) -> Iterator[str]:
    if not _TIME.fullmatch(time):
        yield f"{key}: {time!r:.20} is no time of day; write 22:00"
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, LookupError):
        yield f"{key.rpartition('.')[0]}.zone: {zone!r:.60} is no time zone; write Europe/Berlin"
