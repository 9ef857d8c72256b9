"""What opened and resolved as an Atom feed, of everything, a registry, a repository or a rule.

Source: RFC 4287. Links are relative: a feed is read where it was fetched.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, tostring

from aiohttp import web

from mfl_lint.core.views import TransitionView
from mfl_lint.web import links, present
from mfl_lint.web.changes import transitions
from mfl_lint.web.kept import KEPT, Body, body_of
from mfl_lint.web.query import Query, read_query
from mfl_lint.web.sending import answered, key_of, services_of
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
        page = await transitions(services_of(request), asked)
        return body_of(atom(page.items, asked), TYPE)

    key = await key_of(request, "feed", "atom", asked)
    return answered(request, await request.app[KEPT].get(key, make), repeatable=True)


def atom(changes: tuple[TransitionView, ...], asked: Query) -> bytes:
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
        _entry(root, view)
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def _entry(root: Element, view: TransitionView) -> None:
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
    _text(entry, "content", f"{item.message}{because}\n{links.rule(item.rule)}")


def _text(above: Element, name: str, text: str) -> None:
    """Add an element whose text XML can hold."""
    SubElement(above, name).text = visible(text)


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
