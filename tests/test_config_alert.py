"""Settings of alerts: every mistake is told with its key."""

from __future__ import annotations

import pytest

from mfl_lint.config_file import parse_config
from mfl_lint.core.errors import ConfigInvalid

CHANNEL = '[[alert.channel]]\nname = "hook"\nkind = "webhook"\nurl = "https://example.com/x"\n'
ROUTE = '[[alert.route]]\nname = "team"\nchannels = ["hook"]\n'


def test_rules_are_named_as_everywhere() -> None:
    (route,) = parse_config(f'{CHANNEL}{ROUTE}rules = ["MFL3", "platform-lost"]').alert.route
    assert {"MFL301", "MFL501"} <= set(route.rules)


def test_times_zones_and_waits_are_read() -> None:
    text = (
        f'{CHANNEL}{ROUTE}wait = "2m"\nrepeat = "4h"\nrate = 0\n'
        'quiet = { start = "22:00", end = "07:00", zone = "Europe/Berlin" }\n'
        'digest = { every = "weekly", at = "07:30", day = 5 }\n'
    )
    (route,) = parse_config(text).alert.route
    assert (120.0, 14400.0, 0, "22:00") == (
        route.wait_s,
        route.repeat_s,
        route.rate,
        route.quiet.start,
    )
    assert ("weekly", "07:30", 5) == (route.digest.every, route.digest.at, route.digest.day)


HOOK = '[[alert.channel]]\nname = "hook"\nkind = "{kind}"\n'
MISTAKES = [
    (CHANNEL + CHANNEL, "alert.channel[1].name: 'hook' is used twice"),
    (CHANNEL + ROUTE + ROUTE, "alert.route[1].name: 'team' is used twice"),
    (CHANNEL.replace('"hook"', '"A b"'), "alert.channel[0].name: 'A b' must be 1 to 63"),
    (HOOK.format(kind="webhook"), "alert.channel[0]: set one of url, url_env and url_file"),
    (CHANNEL + 'url_env = "X"', "alert.channel[0]: set one of url, url_env and url_file"),
    (CHANNEL.replace("webhook", "apprise"), "alert.channel[0].url: it is a secret for apprise"),
    (CHANNEL.replace("//", "//me:pw@"), "alert.channel[0].url: write it as https://host/path"),
    (CHANNEL.replace("https", "ftp"), "alert.channel[0].url: write it as https://host/path"),
    (CHANNEL + 'token_env = "X"', "alert.channel[0].token_env: means nothing for webhook"),
    (CHANNEL + 'secret_env = "X"\nsecret_file = "y"', "set either secret_env or secret_file"),
    (CHANNEL + 'body = "x"', "alert.channel[0].format: format, title and body are for apprise"),
    (CHANNEL + 'format = "pdf"', "alert.channel[0].format: "),
    (
        CHANNEL.replace("webhook", "slack"),
        "alert.channel[0].kind: 'slack' is none of webhook, alertmanager, apprise",
    ),
    (
        CHANNEL + ROUTE + 'severity = "fatal"',
        "alert.route[0].severity: 'fatal' is none of error, warning, info",
    ),
    (
        CHANNEL + ROUTE + 'digest = { every = "hourly" }',
        "alert.route[0].digest.every: 'hourly' is none of daily, weekly",
    ),
    (CHANNEL + ROUTE.replace("hook", "x"), "alert.route[0].channels: there is no channel 'x'"),
    (CHANNEL + ROUTE.replace('["hook"]', "[]"), "alert.route[0].channels: name at least one"),
    (CHANNEL + ROUTE + 'states = ["open"]', "alert.route[0].states: 'open' is none of opened,"),
    (CHANNEL + ROUTE + 'rules = ["MFL999"]', "alert.route[0].rules: there is no rule 'MFL999'"),
    (CHANNEL + ROUTE + 'repositories = [""]', "alert.route[0]: a pattern must have 1 to"),
    (CHANNEL + ROUTE + 'quiet = { start = "25:00", end = "07:00" }', "quiet.start: '25:00' is no"),
    (CHANNEL + ROUTE + 'quiet = { start = "22:00" }', "quiet.end: '' is no time of day"),
    (CHANNEL + ROUTE + 'quiet = { start = "22:00", end = "22:00" }', "the same as start"),
    (
        CHANNEL + ROUTE + 'digest = { every = "daily", zone = "Mars/Base" }',
        "alert.route[0].digest.zone: 'Mars/Base' is no time zone",
    ),
    (CHANNEL + ROUTE + 'digest = { every = "weekly", day = 8 }', "digest.day: 1 (Monday) to 7"),
    ('[alert]\nurl = "lint.example.com"', "alert.url: write it as https://host"),
    (CHANNEL + 'secret = "whsec_abc"', "alert.channel[0].secret: there is no such setting"),
]


@pytest.mark.parametrize(("text", "told"), MISTAKES)
def test_a_mistake_is_told_with_its_key(text: str, told: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        parse_config(text)
    assert any(told in mistake for mistake in caught.value.mistakes), caught.value.mistakes
    assert "pw" not in " ".join(caught.value.mistakes).replace("'pw'", "")
