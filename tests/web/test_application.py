"""Every page and its JSON, over a real store."""

from __future__ import annotations

from collections import deque

import msgspec
import pytest

from mfl_lint.web.security import CSP
from tests.web.conftest import Client
from tests.web.parsed import PAGES, ParsedPage

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def json_of(reader: Client, path: str) -> dict[str, object]:
    response = await reader.get(path)
    assert 200 == response.status, path
    decoded: dict[str, object] = msgspec.json.decode(await response.read())
    return decoded


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_is_well_formed_and_carries_the_policy(reader: Client, path: str) -> None:
    response = await reader.get(path)
    page = ParsedPage(await response.text())

    assert 200 == response.status
    assert CSP == response.headers["Content-Security-Policy"]
    assert "nosniff" == response.headers["X-Content-Type-Options"]
    assert "same-origin" == response.headers["Referrer-Policy"]
    assert [] == page.unbalanced
    assert 1 == len(page.all_of("h1"))
    ids = [str(attributes["id"]) for _, attributes in page.elements if "id" in attributes]
    assert sorted(set(ids)) == sorted(ids)


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_names_its_json_which_is_a_versioned_object(reader: Client, path: str) -> None:
    page = ParsedPage(await (await reader.get(path)).text())
    alternate = [
        link["href"] for link in page.all_of("link") if link.get("type") == "application/json"
    ]
    visible = {link["href"] or "" for link in page.all_of("a") if "/api/v1" in (link["href"] or "")}

    assert set(alternate) == {link for link in visible if ".csv" not in link}
    assert 1 == (await json_of(reader, alternate[0] or ""))["version"]


async def test_every_link_leads_to_something(reader: Client) -> None:
    waiting, seen = deque(["/"]), {"/"}
    while waiting:
        path = waiting.popleft()
        response = await reader.get(path)
        assert 200 == response.status, path
        if response.content_type != "text/html":
            continue
        for link in ParsedPage(await response.text()).links:
            local = link.startswith("/") and link not in seen
            if local:
                seen.add(link)
                waiting.append(link)
    assert {"/t/hub/s390x/agent:latest", "/rules/MFL301", "/crawls/18"} <= seen


async def test_lists_end_where_their_cursors_end(reader: Client) -> None:
    whole = await json_of(reader, "/api/v1/findings?limit=200")
    gathered: list[object] = []
    cursor: object = ""
    while cursor is not None:
        page = await json_of(reader, f"/api/v1/findings?limit=5&cursor={cursor}")
        items = page["items"]
        assert isinstance(items, list)
        gathered += items
        cursor = page["next_cursor"]

    assert whole["items"] == gathered
    assert None is whole["next_cursor"]


async def test_the_next_page_is_linked_with_the_filters_kept(reader: Client) -> None:
    page = ParsedPage(await (await reader.get("/findings?severity=warning&limit=2")).text())
    (after,) = (link["href"] for link in page.all_of("a") if link.get("rel") == "next")

    assert after is not None
    assert "severity=warning" in after
    assert "limit=2" in after
    following = ParsedPage(await (await reader.get(after)).text())
    assert "First page" in following.text


async def test_json_is_not_sent_again_to_who_has_it(reader: Client) -> None:
    first = await reader.get("/api/v1/rules")
    again = await reader.get("/api/v1/rules", headers={"If-None-Match": first.headers["ETag"]})
    other = await reader.get("/api/v1/rules", headers={"If-None-Match": '"other"'})

    assert (304, b"") == (again.status, await again.read())
    assert first.headers["ETag"] == again.headers["ETag"]
    assert 200 == other.status


async def test_head_answers_like_get_without_a_body(reader: Client) -> None:
    response = await reader.head("/findings")

    assert (200, b"") == (response.status, await response.read())
    assert CSP == response.headers["Content-Security-Policy"]


async def test_only_the_files_beside_the_templates_are_served(reader: Client) -> None:
    page = ParsedPage(await (await reader.get("/")).text())
    (style,) = (link["href"] for link in page.all_of("link") if link.get("rel") == "stylesheet")
    response = await reader.get(style or "")

    assert (200, "text/css") == (response.status, response.content_type)
    assert "immutable" in response.headers["Cache-Control"]
    assert "no-cache" == (await reader.get("/static/app.css")).headers["Cache-Control"]
    for name in ("..%2Flayout.html", "layout.html", "app.py"):
        assert 404 == (await reader.get(f"/static/{name}")).status


async def test_the_probes_answer(reader: Client) -> None:
    assert {"status": "ok"} == await json_of(reader, "/healthz")
    assert {"status": "ready"} == await json_of(reader, "/readyz")


@pytest.mark.asyncio(loop_scope="function")
async def test_empty_pages_say_what_to_do_next(empty: Client) -> None:
    for path, words in (
        ("/", "Name the registries to look at"),
        ("/findings", "No finding stands"),
        ("/crawls", "mfl-lint crawl"),
    ):
        response = await empty.get(path)
        assert 200 == response.status
        assert words in ParsedPage(await response.text()).text


async def test_a_registry_that_was_never_crawled_says_how_to_begin(reader: Client) -> None:
    page = ParsedPage(await (await reader.get("/registries/archive")).text())

    assert "mfl-lint crawl archive" in page.text
    assert "nothing found" not in page.text
