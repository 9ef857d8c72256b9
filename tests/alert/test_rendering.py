"""Messages as people read them: golden files of each family, and hostile names in all of them."""

from __future__ import annotations

import json
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import jsonschema
import msgspec
import pytest

from mfl_lint.alert import alertmanager, webhook
from mfl_lint.alert.rendering import LONGEST, TemplateBroken, rendered
from mfl_lint.config_alert import ChannelConfig
from mfl_lint.core.messages import Message, Notice
from mfl_lint.core.news import Group, Kind, News
from mfl_lint.core.policy import Severity
from tests.alert.stories import NOW, news

GOLDEN: Final = Path(__file__).parent / "golden"
URL: Final = "https://lint.example"
PLAIN: Final = ChannelConfig("mail", "apprise", url_env="MAIL")


def notice(*items: News, left_out: int = 0, digest: bool = False) -> Notice:
    group = Group("team", "hub", "team/app")
    return Notice("0" * 32, "team", group, NOW, items, left_out, digest, URL)


STORIES: Final = {
    "one": notice(news("a" * 64)),
    "several": notice(
        news("a" * 64),
        news("b" * 64, rule="MFL104", slug="no-baseline-variant", severity=Severity.WARNING),
        news("c" * 64, Kind.RESOLVED, tag="v2"),
    ),
    "outage": notice(
        News("x", Kind.UNKNOWN, NOW, "hub", message="could not be looked at", count=500)
    ),
    "report": notice(
        *(news(f"{n}" * 64, Kind.STANDING, since=NOW - timedelta(days=9 - n)) for n in range(3)),
        news("9" * 64, Kind.OPENED, tag="v9"),
        news("8" * 64, Kind.RESOLVED, tag="v8"),
        digest=True,
    ),
}
FAMILIES: Final = {"short": "txt", "markdown": "md", "html": "html"}


def matches(name: str, text: str) -> None:
    """Compare with a golden file."""
    assert (GOLDEN / name).read_text(encoding="utf-8") == text


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("story", STORIES)
def test_a_message_reads_as_it_always_did(story: str, family: str) -> None:
    title, body = rendered(STORIES[story], PLAIN, family, LONGEST)
    said = body if family == "html" else f"{title}\n\n{body}"
    matches(f"{story}.{FAMILIES[family]}", said)


def message(told: Notice) -> Message:
    return Message(1, "k" * 32, "hook", told, 1, NOW)


@pytest.mark.parametrize("story", STORIES)
def test_a_webhook_gets_the_same_bytes_at_each_try(story: str) -> None:
    body = webhook.body_of(message(STORIES[story]))
    assert body == webhook.body_of(msgspec.structs.replace(message(STORIES[story]), attempts=9))
    matches(f"{story}.webhook.json", json.dumps(json.loads(body), indent=1) + "\n")


# What Alertmanager's API v2 takes, in our own words.
TIME: Final = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"}
TEXTS: Final = {"type": "object", "additionalProperties": {"type": "string"}}
ALERTS: Final[dict[str, Any]] = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["labels"],
        "additionalProperties": False,
        "properties": {
            "labels": TEXTS
            | {
                "minProperties": 1,
                "required": ["alertname"],
                "propertyNames": {"pattern": "^[a-zA-Z_][a-zA-Z0-9_]*$"},
            },
            "annotations": TEXTS,
            "startsAt": TIME,
            "endsAt": TIME,
            "generatorURL": {"type": "string", "pattern": "^(https?://.*)?$"},
        },
    },
}


@pytest.mark.parametrize("story", ["one", "several", "outage"])
def test_alertmanager_gets_what_its_interface_takes(story: str) -> None:
    body = alertmanager.body_of(message(STORIES[story]), 3600.0)
    assert body is not None
    jsonschema.validate(json.loads(body), ALERTS)
    matches(f"{story}.alertmanager.json", json.dumps(json.loads(body), indent=1) + "\n")


def alerts_of(item: News) -> list[dict[str, Any]]:
    body = alertmanager.body_of(message(notice(item)), 0.0)
    return list(json.loads(body)) if body else []


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        (news("a" * 64), news("a" * 64, Kind.RESOLVED)),
        (News("x", Kind.UNKNOWN, NOW, "hub"), News("y", Kind.RECOVERED, NOW, "hub")),
        (
            news("a" * 64, Kind.FLAPPING, fingerprint="", platform=""),
            news("a" * 64, Kind.RECOVERED, fingerprint="", platform=""),
        ),
    ],
)
def test_an_alert_ends_under_the_labels_under_which_it_began(begin: News, end: News) -> None:
    (first,), (last,) = alerts_of(begin), alerts_of(end)
    assert first["labels"] == last["labels"]
    assert last["startsAt"] <= last["endsAt"] == "2026-03-02T12:00:00Z" < first["endsAt"]


def test_an_alert_that_got_worse_ends_under_its_milder_severities() -> None:
    now, *ended = alerts_of(news("a" * 64, Kind.WORSENED))
    assert "error" == now["labels"]["severity"]
    assert ["warning", "info"] == [one["labels"]["severity"] for one in ended]
    assert {"2026-03-02T12:00:00Z"} == {one["endsAt"] for one in ended}


def test_an_alert_that_is_sent_late_lasts_from_then_on() -> None:
    late = NOW + timedelta(hours=23)
    body = alertmanager.body_of(message(notice(news("a" * 64))), 3600.0, now=late)
    (alert,) = json.loads(body or b"[]")
    assert "2026-03-03T14:00:00Z" == alert["endsAt"]


@pytest.mark.parametrize(("least", "goes_on"), [(Severity.INFO, True), (Severity.ERROR, False)])
def test_an_alert_that_eased_ends_under_its_more_severe_severities(
    least: Severity, goes_on: bool
) -> None:
    eased = news("a" * 64, Kind.EASED, severity=Severity.WARNING)
    body = alertmanager.body_of(message(notice(eased)), 0.0, least)
    now, *ended = json.loads(body or b"[]")
    assert ("warning", goes_on) == (now["labels"]["severity"], now["endsAt"] > now["startsAt"])
    assert ["error"] == [one["labels"]["severity"] for one in ended]
    assert {"2026-03-02T12:00:00Z"} == {one["endsAt"] for one in ended}


def test_a_report_is_nothing_for_alertmanager() -> None:
    assert alertmanager.body_of(message(STORIES["report"]), 0.0) is None


HOSTILE: Final = (
    "<!channel> <@U1> @everyone @here <script>alert(1)</script> [x](https://evil.example) "
    "https://evil.example `code` ```\n*bold* \x1b[31m\u202e {{ 7 * 7 }} {% raw %} &amp; |"
)


def hostile() -> Notice:
    given: dict[str, Any] = {
        "tag": HOSTILE,
        "platform": HOSTILE,
        "message": HOSTILE,
        "fix": HOSTILE,
    }
    return notice(news("a" * 64, **given), news("b" * 64, Kind.RESOLVED, **given))


def outside_code(text: str) -> str:
    """Return Markdown without its code spans and blocks; fail for links that are not ours."""
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark").parse(text)
    inline = [child for one in tokens for child in (one.children or ())]
    links = [str(one.attrs["href"]) for one in inline if one.type == "link_open"]
    assert all(link.startswith(URL) for link in links)
    assert not any(one.type in ("image", "html_inline") for one in inline)
    return "".join(one.content for one in inline if one.type == "text")


def test_nothing_from_a_registry_is_markup_a_link_or_a_mention_in_markdown() -> None:
    title, body = rendered(hostile(), PLAIN, "markdown", LONGEST)
    left = outside_code(body)
    for sign in ("<", "@everyone", "evil", "script", "49"):
        assert sign not in left
    for text in (title, body):
        assert "\x1b" not in text
        assert "\u202e" not in text


def test_nothing_from_a_registry_mentions_anybody_in_short_messages() -> None:
    _, body = rendered(hostile(), PLAIN, "short", LONGEST)
    for sign in ("<", ">", "@everyone", "@here", "://evil", "\x1b", "\u202e", "49"):
        assert sign not in body


class Tags(HTMLParser):
    """Notes the elements and their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.links |= {value or "" for name, value in attrs if name in ("href", "src")}
        assert not any(name.startswith("on") for name, _ in attrs)


def test_nothing_from_a_registry_acts_in_a_mail() -> None:
    _, body = rendered(hostile(), PLAIN, "html", LONGEST)
    parsed = Tags()
    parsed.feed(body)
    assert set() == parsed.found & {"script", "img", "iframe", "form", "link"}
    assert all(link.startswith(f"{URL}") for link in parsed.links)


def test_a_long_message_shows_less_and_says_so() -> None:
    many = notice(*(news(f"{n:064}") for n in range(400)), left_out=100)
    for family in FAMILIES:
        _, body = rendered(many, PLAIN, family, 1500 if family != "html" else 9000)
        assert len(body) <= (1500 if family != "html" else 9000)
        assert " more" in body


def custom(**changed: str) -> ChannelConfig:
    return msgspec.structs.replace(PLAIN, **changed)


def test_templates_of_the_settings_take_the_place_of_ours() -> None:
    ours = custom(
        title="{{ title }} ({{ route }})",
        body="{% for s in sections %}{% for i in s['items'] %}{{ i.rule }} {{ i.place|code }}"
        "{% endfor %}{% endfor %}",
    )
    title, body = rendered(STORIES["one"], ours, "markdown", LONGEST)
    assert title.endswith("(team)")
    assert "MFL101 `hub/team/app:v1`\n" == body


BAD_TEMPLATES: Final = [
    "{{ title",
    "{{ nothing }}",
    "{{ title * 1000000000 }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ 9 ** 9 ** 9 ** 9 }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ title.format(1) }}",
    "{{ title|center(1000000000) }}",
    "{% for x in range(100000) %}{% endfor %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% include '/etc/passwd' %}",
    "{{ self.__init__.__globals__ }}",
]


@pytest.mark.parametrize("template", BAD_TEMPLATES)
def test_a_template_can_do_nothing_but_show_what_it_is_given(template: str) -> None:
    with pytest.raises(TemplateBroken, match="the template cannot be used") as refused:
        rendered(STORIES["one"], custom(body=template), "short", LONGEST)
    assert "\n" not in str(refused.value)
