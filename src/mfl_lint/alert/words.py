"""What a message says, before a channel gives it a form: title, sections, links. Pure."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

import msgspec

from mfl_lint.core.inert import inert
from mfl_lint.core.mendable import mend_command
from mfl_lint.core.messages import Notice
from mfl_lint.core.news import Group, Kind, News

_LONGEST_TITLE: Final = 200
_LONGEST_TEXT: Final = 500
_LONGEST_FIX: Final = 2000
# One, many, and the heading of a section.
_WORDS: Final = {
    Kind.OPENED: ("broken", "Broken now"),
    Kind.WORSENED: ("worse", "Worse than before"),
    Kind.RESOLVED: ("mended", "Mended"),
    Kind.UNKNOWN: ("cannot be looked at", "Cannot be looked at"),
    Kind.FLAPPING: ("flapping", "Flapping"),
    Kind.RECOVERED: ("back", "Back"),
    Kind.EASED: ("less severe", "Less severe than before"),
    Kind.STANDING: ("still broken", "Still broken"),
    Kind.INTRODUCED: ("looked at for the first time", "Looked at for the first time"),
    Kind.TEST: ("test message", "Test message"),
}
# After these nothing is to be mended any more.
ENDS: Final = frozenset({Kind.RESOLVED, Kind.RECOVERED})
_IN_REPORTS: Final = {
    Kind.OPENED: "New",
    Kind.RESOLVED: "Mended",
    Kind.STANDING: "Broken, the oldest first",
}


class Line(msgspec.Struct, frozen=True):
    """One item of a message; `link` is "" where nobody said where the service is."""

    kind: str
    severity: str
    place: str
    platform: str
    rule: str
    slug: str
    message: str
    mend: str
    fix: str
    since: str
    link: str
    fingerprint: str


class Section(msgspec.Struct, frozen=True):
    """What happened in the same way; `more` are not shown."""

    title: str
    kind: str
    items: tuple[Line, ...]
    more: int = 0


class Said(msgspec.Struct, frozen=True):
    """All that templates are given."""

    title: str
    summary: str
    sections: tuple[Section, ...]
    more: int
    link: str
    digest: bool
    route: str
    at: str


def title_of(notice: Notice) -> str:
    """Return the message in one short line."""
    part = f" (part {notice.part})" if notice.part else ""
    if notice.digest:
        return f"mfl-lint report: {_report(notice)}{part}"
    if len(notice.items) == 1 and not notice.left_out and not part:
        return _short(_one(notice.items[0]))
    return _short(f"{_scope(notice)}: {_summary(notice)}") + part


def _short(text: str) -> str:
    shown = inert(text)
    return shown if len(shown) <= _LONGEST_TITLE else f"{shown[: _LONGEST_TITLE - 1]}…"


def _one(item: News) -> str:
    platform = f" {item.platform}" if item.platform else ""
    rule = f", {item.rule} {item.slug}" if item.rule else ""
    hidden = f" ({item.count} findings unknown)" if item.kind is Kind.UNKNOWN else ""
    return f"{item.place or 'mfl-lint'}{platform}: {_WORDS[item.kind][0]}{rule}{hidden}"


def _scope(notice: Notice) -> str:
    group: Group = notice.group
    place = "/".join(filter(None, (group.registry, group.repository)))
    return place or group.rule or "mfl-lint"


def _report(notice: Notice) -> str:
    """Return what a report counts: what is new is among what is broken."""
    counts = notice.counted
    said = f"{counts.get(Kind.STANDING, 0)} broken, {counts.get(Kind.OPENED, 0)} new"
    return f"{said}, {counts.get(Kind.RESOLVED, 0)} mended"


def _summary(notice: Notice) -> str:
    if notice.digest:
        return _report(notice)
    said = [f"{number} {_WORDS[kind][0]}" for kind, number in notice.counted.items()]
    return ", ".join([*said, f"{_uncounted(notice)} more"] if _uncounted(notice) else said)


def _uncounted(notice: Notice) -> int:
    """Return how many are left out of which it is not known of what kind they are."""
    return 0 if notice.counts else notice.left_out


def said_of(notice: Notice, most: int) -> Said:
    """Return what the message says, with at most so many items of each section."""
    headings = _IN_REPORTS if notice.digest else {}
    sections = []
    for kind in headings or _WORDS:
        number = notice.counted.get(kind, 0)
        if number:
            heading = headings.get(kind, _WORDS[kind][1])
            items = [item for item in notice.items if item.kind is kind]
            shown = tuple(_line(item, notice.url) for item in items[:most])
            sections.append(Section(heading, kind, shown, number - len(shown)))
    return Said(
        title=title_of(notice),
        summary=_summary(notice) if notice.items else "nothing is broken, nothing changed",
        sections=tuple(sections),
        more=_uncounted(notice),
        link=notice.url,
        digest=notice.digest,
        route=notice.route,
        at=f"{notice.at:%Y-%m-%d %H:%M} UTC",
    )


def _line(item: News, url: str) -> Line:
    return Line(
        kind=item.kind,
        severity=item.severity,
        place=inert(item.place),
        platform=inert(item.platform),
        rule=inert(item.rule),
        slug=inert(item.slug),
        message=inert(item.message)[:_LONGEST_TEXT],
        mend=inert(mend_of(item)),
        fix="\n".join(map(inert, item.fix.splitlines()))[:_LONGEST_FIX],
        since=f"{item.since:%Y-%m-%d %H:%M} UTC" if item.since else "",
        link=link_to(item, url),
        fingerprint=item.fingerprint,
    )


def mend_of(item: News) -> str:
    """Return the command that mends what stands at once, "" where there is none."""
    return "" if item.kind in ENDS else mend_command(item.rule, item.reference, item.fix)


def link_to(item: News, url: str) -> str:
    """Return the page of what the news are about, "" where nobody said where the service is."""
    if not url:
        return ""
    if not item.registry:
        return url
    registry = quote(item.registry, safe="")
    if not item.repository:
        return f"{url.rstrip('/')}/registries/{registry}"
    place = f"{registry}/{quote(item.repository)}"
    page = f"t/{place}:{quote(item.tag, safe=':')}" if item.tag else f"r/{place}"
    return f"{url.rstrip('/')}/{page}"
