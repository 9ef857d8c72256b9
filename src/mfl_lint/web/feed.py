"""What opened and resolved as an Atom feed, of everything, a registry, a repository or a rule.

Source: RFC 4287. Links are relative: a feed is read where it was fetched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, tostring

from aiohttp import web

from mfl_lint.core.views import TransitionView
from mfl_lint.store import handling
from mfl_lint.web import links, present
from mfl_lint.web.changes import transitions
from mfl_lint.web.kept import KEPT, Body, body_of
from mfl_lint.web.query import Query, read_query
from mfl_lint.web.sending import answered, key_of, services_of
from mfl_lint.web.services import Services
from mfl_lint.web.wording import visible

PATH: Final = "/feed.atom"
TYPE: Final = "application/atom+xml"
PARAMETERS: Final = frozenset({"registry", "repository", "rule"})
_ATOM: Final = "http://www.w3.org/2005/Atom"
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_TITLE: Final = 300


async def feed(request: web.Request) -> web.Response:
    """Answer with the newest changes that the parameters ask for."""
    asked = read_query(request, PARAMETERS)

    async def make() -> Body:
        services = services_of(request)
        page = await transitions(services, asked)
        notes = await _notes(services, page.items)
        return body_of(atom(page.items, asked, notes), TYPE)

    key = await key_of(request, "feed", "atom", asked)
    return answered(request, await request.app[KEPT].get(key, make), repeatable=True)


async def _notes(
    services: Services, changes: tuple[TransitionView, ...]
) -> dict[str, tuple[str, ...]]:
    """Return what people did about the findings that changed, by fingerprint."""
    now = services.now()
    taken = {one.fingerprint: one for one in await handling.acknowledged(services.store)}
    silences = await handling.silences_of(services.store, now)
    found: dict[str, tuple[str, ...]] = {}
    for finding in (view.finding for view in changes):
        place = (finding.rule, finding.registry, finding.repository, finding.tag, now)
        said = [
            f"Silenced by {one.who} until {_time(one.matcher.expires or now)}: {one.matcher.reason}"
            for one in silences
            if one.matcher.covers(*place)
        ]
        if finding.fingerprint in taken:
            one = taken[finding.fingerprint]
            said.append(f"Acknowledged by {one.who}: {one.reason}")
        found[finding.fingerprint] = tuple(said)
    return found


def atom(
    changes: tuple[TransitionView, ...], asked: Query, notes: Mapping[str, Sequence[str]]
) -> bytes:
    """Return the feed; the same changes under the same parameters are the same bytes."""
    root = Element("feed", xmlns=_ATOM)
    narrowed = [f"{name} {asked.text(name)}" for name in sorted(asked.values)]
    _text(root, "title", " ".join(["mfl-lint", *narrowed]))
    _text(root, "id", f"urn:mfl-lint:feed:{quote(asked.encoded() or 'all', safe='')}")
    newest = max((view.transition.at for view in changes), default=_NEVER)
    _text(root, "updated", _time(newest))
    SubElement(root, "link", rel="self", type=TYPE, href=f"{PATH}{asked.encoded()}")
    SubElement(root, "link", rel="alternate", type="text/html", href="/")
    _text(SubElement(root, "author"), "name", "mfl-lint")
    for view in changes:
        _entry(root, view, notes.get(view.finding.fingerprint, ()))
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def _entry(root: Element, view: TransitionView, notes: Sequence[str]) -> None:
    item = present.change_item(view)
    entry = SubElement(root, "entry")
    place = f"{item.registry}/{item.repository}" + (f":{item.tag}" if item.tag else "")
    platform = f" {item.platform}" if item.platform else ""
    title = f"{item.change}: {item.rule} {item.slug}, {place}{platform}"
    _text(entry, "title", title[:_MAX_TITLE])
    _text(entry, "id", f"urn:mfl-lint:transition:{quote(item.id, safe='')}")
    _text(entry, "updated", _time(item.at))
    SubElement(entry, "link", rel="alternate", type="text/html", href=item.page)
    SubElement(entry, "category", term=visible(item.rule))
    SubElement(entry, "category", term=visible(item.severity))
    because = f" ({item.reason})" if item.reason not in ("", item.message) else ""
    lines = (f"{item.message}{because}", *notes, links.rule(item.rule))
    _text(entry, "content", "\n".join(lines))


def _text(above: Element, name: str, text: str) -> None:
    """Add an element whose text XML can hold."""
    SubElement(above, name).text = visible(text)


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
