"""Alertmanager's API v2: alerts that begin, go on, and end. Pure.

An alert without an end would be over after Alertmanager's `resolve_timeout`, so each is given
one: twice the time after which it is said again, or a week.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import msgspec

from mfl_lint.alert.words import ENDS, link_to, mend_of, title_of
from mfl_lint.core.messages import Message, Notice
from mfl_lint.core.news import Kind, News
from mfl_lint.core.policy import Severity

PATH: Final = "/api/v2/alerts"
_WITHOUT_REPEAT: Final = timedelta(days=7)
_SPARE: Final = timedelta(hours=1)
_TEST: Final = timedelta(minutes=5)


class Alert(msgspec.Struct, frozen=True, rename="camel"):
    """One alert as it is posted."""

    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: str
    ends_at: str
    generator_url: str = msgspec.field(default="", name="generatorURL")


def target(url: str) -> str:
    """Return where alerts are posted to, of the address of an Alertmanager."""
    return url if url.endswith(PATH) else url.rstrip("/") + PATH


def body_of(
    message: Message,
    repeat_s: float,
    least: Severity = Severity.INFO,
    now: datetime | None = None,
) -> bytes | None:
    """Return the alerts as JSON; None where the message is about nothing that begins or ends.

    What eased to less than the `least` severity is over. What goes on lasts from `now` on, when
    it is sent, or from when the message was made.
    """
    notice = message.notice
    if notice.digest:
        return None
    since = max(notice.at, now or notice.at)
    alerts = [
        _alert(item, severity, notice, since + _lasts(item, repeat_s), over=over)
        for item in notice.items
        for severity, over in _severities(item, least)
    ]
    return msgspec.json.encode(alerts) if alerts else None


def _severities(item: News, least: Severity) -> Iterator[tuple[Severity, bool]]:
    """Yield the severities at which there are alerts of an item, and whether each is over."""
    if item.kind is Kind.INTRODUCED:
        return
    mild = item.kind is Kind.EASED and item.severity.rank > least.rank
    yield item.severity, mild or item.kind in ENDS
    # The severity is a label: the alert at another one is another alert, and over.
    for other in Severity:
        milder = other.rank - item.severity.rank
        if (item.kind is Kind.WORSENED and milder > 0) or (item.kind is Kind.EASED and milder < 0):
            yield other, True


def _lasts(item: News, repeat_s: float) -> timedelta:
    if item.kind is Kind.TEST:
        return _TEST
    repeats = bool(repeat_s and item.fingerprint)
    return timedelta(seconds=2 * repeat_s) + _SPARE if repeats else _WITHOUT_REPEAT


def _alert(item: News, severity: Severity, notice: Notice, until: datetime, *, over: bool) -> Alert:
    begin = item.since if item.fingerprint and item.since else item.at
    end = item.at if over else until
    one = msgspec.structs.replace(notice, items=(item,), left_out=0, counts={}, part=0)
    annotations = {"summary": title_of(one), "description": item.message}
    if not over:
        annotations |= {"mend": mend_of(item), "fix": item.fix}
    return Alert(
        labels=_labels(item, severity),
        annotations={name: text for name, text in annotations.items() if text},
        starts_at=_time(min(begin, end)),
        ends_at=_time(end),
        generator_url=link_to(item, notice.url),
    )


def _labels(item: News, severity: Severity) -> dict[str, str]:
    """Return what an alert is known by: the same at its beginning and its end."""
    labels = {
        "alertname": _name(item),
        "severity": severity.value,
        "registry": item.registry,
        "repository": item.repository,
        "tag": item.tag,
    }
    if item.fingerprint:
        labels |= {
            "rule": item.rule,
            "platform": item.platform,
            "finding": item.fingerprint[:16],
        }
    elif item.kind in (Kind.UNKNOWN, Kind.RECOVERED, Kind.FLAPPING):
        labels["severity"] = Severity.WARNING.value
    return {name: text for name, text in labels.items() if text}


def _name(item: News) -> str:
    if item.fingerprint:
        return item.slug
    if item.kind is Kind.TEST:
        return "mfl-lint-test"
    return "tag-flapping" if item.repository else "registry-unseen"


def _time(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
