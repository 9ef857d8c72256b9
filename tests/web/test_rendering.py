"""What a hostile registry says stays text on every page."""

from __future__ import annotations

import msgspec
import pytest
from aiohttp.test_utils import make_mocked_request

from tests.web.conftest import Client
from tests.web.filled_store import HOSTILE
from tests.web.parsed import PAGES, ParsedPage

pytestmark = pytest.mark.asyncio(loop_scope="module")
HOSTILE_PAGES = (
    "/",
    "/registries/hub",
    "/r/hub/acme/evil",
    "/r/hub/acme/evil?tag=%3Cscript%3Ealert(1)%3C/script%3E&is=error&sort=worst",
    "/t/hub/acme/evil:latest",
    "/t/hub/acme/evil:lone",
    "/plans/hub/acme/evil:latest",
    "/plans/hub/acme/evil:lone",
    "/d/hub/acme/evil:latest",
    "/d/hub/acme/evil:moved",
    "/findings",
    "/findings?repository=%3Cimg+src=x+onerror=alert(1)%3E&platform=%22%3E%3Cb%3E",
    "/matrix",
    "/matrix?tag=%3Cscript%3Ealert(1)%3C/script%3E",
    "/search?q=%3Cscript%3Ealert(1)%3C/script%3E",
    "/search?q=evil:la",
    "/rules/MFL101",
    "/crawls",
    "/crawls/1",
    "/rules",
    "/ignores",
    "/ignores/1/undo",
    "/ignores/new?registry=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&rule=%3Cb%3E",
    "/scans",
    "/scans/new?registry=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&tag=%3Cb%3E",
    "/audit",
    "/account",
    "/alerts",
    "/alerts/2/retry",
    "/silences/1/end",
    "/hooks",
    "/pushes",
    "/silences/new?rule=%3Cscript%3Ealert(1)%3C/script%3E&registry=%22%3E%3Cb%3E",
    "/acknowledgements/new?fingerprint=%22%3E%3Cscript%3E",
)
# No pages of ours, or looked at elsewhere (test_sinks, test_login).
NO_PAGES = {
    # What is looked at in tests of its own.
    *("/acknowledgements/{fingerprint}/undo", "/push/{registry}/{repository}:{tag}"),
    *("/pushes/{id}", "/pushes/{id}/undo"),
    *("/static/{name}", "/healthz", "/readyz", "/feed.atom", "/metrics", "/login"),
    "/badge/{registry}/{repository}/{tag}.svg",
}
ELEMENTS = {
    *("html", "head", "meta", "title", "link", "script", "noscript", "body", "header", "nav"),
    *("main", "footer", "section", "div", "span", "p", "h1", "h2", "ul", "ol", "li", "dl", "dt"),
    *("dd", "a", "code", "pre", "strong", "time", "wbr", "details", "summary", "table", "caption"),
    *("thead", "tbody", "tr", "th", "td", "form", "label", "input", "select", "option"),
    *("datalist", "fieldset", "legend", "button", "progress", "figure", "figcaption"),
    *("del", "ins"),
    *("svg", "symbol", "rect", "path", "circle", "use", "g"),
}


def check_inert(source: str) -> ParsedPage:
    """Assert that a page holds nothing that runs or that nobody wrote; return it."""
    page = ParsedPage(source)
    assert [] == page.unbalanced
    assert set() == {tag for tag, _ in page.elements} - ELEMENTS
    for tag, attributes in page.elements:
        assert [] == [name for name in attributes if name.startswith("on") or name == "style"]
        if tag == "script":
            assert (attributes["src"] or "").startswith("/static/app.js?v=")
    for link in page.links:
        assert link.startswith(("/", "#", "https://", "http://")), link
        assert not link.startswith("//")
    assert "\u202e" not in source
    assert "\x07" not in source
    return page


@pytest.mark.parametrize("path", HOSTILE_PAGES)
async def test_markup_from_a_registry_is_inert(hostile_reader: Client, path: str) -> None:
    response = await hostile_reader.get(path)

    assert 200 == response.status
    check_inert(await response.text())


async def test_what_is_acknowledged_is_inert_where_it_is_taken_back(hostile_reader: Client) -> None:
    held = (await (await hostile_reader.get("/api/v1/alerts")).json())["acknowledged"]
    assert held
    for one in held:
        response = await hostile_reader.get(f"/acknowledgements/{one['fingerprint']}/undo")
        assert 200 == response.status
        check_inert(await response.text())


async def test_every_page_is_tried_with_what_is_hostile(hostile_reader: Client) -> None:
    router = hostile_reader.server.app.router  # type: ignore[attr-defined]
    pages = {
        route.resource.canonical
        for route in router.routes()
        if route.method == "GET" and not route.resource.canonical.startswith("/api/")
    }
    tried = set()
    for path in HOSTILE_PAGES:
        found = await router.resolve(make_mocked_request("GET", path))
        tried.add(found.route.resource.canonical)

    assert pages - NO_PAGES == tried


@pytest.mark.parametrize("path", PAGES)
async def test_our_own_pages_hold_nothing_that_runs_inline(reader: Client, path: str) -> None:
    check_inert(await (await reader.get(path)).text())


async def test_what_is_hostile_is_shown_all_the_same(hostile_reader: Client) -> None:
    for path in (
        "/",
        "/registries/hub",
        "/r/hub/acme/evil",
        "/r/hub/acme/evil?tag=%3Cscript%3Ealert(1)%3C/script%3E&is=error&sort=worst",
        "/t/hub/acme/evil:latest",
        "/crawls/1",
    ):
        page = ParsedPage(await (await hostile_reader.get(path)).text())
        assert "<script>alert(1)</script>" in page.text, path
        assert "\\u202egnp.exe\\x07" in page.text, path


async def test_only_addresses_of_the_web_become_links(hostile_reader: Client) -> None:
    page = ParsedPage(await (await hostile_reader.get("/t/hub/acme/evil:latest")).text())
    outside = [link for link in page.links if not link.startswith(("/", "#"))]

    assert ['https://example.com/?q="><script>alert(1)</script>'] == outside
    assert "javascript:alert(1)" in page.text


async def test_what_a_visitor_asks_for_is_inert_too(reader: Client) -> None:
    for path, status in (("/findings", 200), ("/r/internal/shop/checkout", 400), ("/nix", 404)):
        markup = HOSTILE.replace("\u202e", "").replace("\x07", "")
        response = await reader.get(path, params={"repository": markup})
        assert status == response.status
        check_inert(await response.text())


async def test_the_json_says_exactly_what_the_registry_said(hostile_reader: Client) -> None:
    response = await hostile_reader.get("/api/v1/t/hub/acme/evil:latest")
    answer = msgspec.json.decode(await response.read())

    assert "application/json" == response.content_type
    assert HOSTILE == answer["annotations"][HOSTILE]
