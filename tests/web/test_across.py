"""The matrix across repositories, the box that searches, and lists as files."""

from __future__ import annotations

import csv
import io

from mfl_lint.web.answers import FindingsAnswer, MatrixAnswer
from tests.web.conftest import Client
from tests.web.parsed import ParsedPage
from tests.web.test_inspection import page_of, read


async def test_whether_everything_is_there_for_a_platform_is_said(client: Client) -> None:
    path = "/matrix?repository=shop/*&platform=linux/arm64"
    answer = await read(client, path, MatrixAnswer)
    page = await page_of(client, path)

    assert ("linux/arm64", 2, 4) == (answer.wanted, answer.ready, len(answer.items))
    assert "not all" in page.text
    assert "2 of 4 repositories" in page.text
    good = await page_of(client, "/matrix?repository=platform/*&platform=linux/arm64")
    assert "4 of 4 repositories" in good.text
    assert "not all" not in good.text


async def test_what_was_not_seen_at_the_last_look_is_not_ready(client: Client) -> None:
    path = "/matrix?repository=fleet/probe&platform=linux/amd64"
    answer = await read(client, path, MatrixAnswer)

    assert ["unknown"] == [item.tag.cells["linux/amd64"].state for item in answer.items if item.tag]
    assert 0 == answer.ready


async def test_repositories_without_the_tag_are_named(client: Client) -> None:
    page = await page_of(client, "/matrix?tag=3.9&repository=shop/*")

    assert "3 repositories have no tag" in page.text
    assert 3 == page.text.count("no tag 3.9") - page.text.count("have no tag 3.9")


async def test_the_search_box_is_on_every_page_and_finds(client: Client) -> None:
    for path in ("/", "/findings", "/t/internal/shop/checkout:latest", "/nothing"):
        boxes = [one for one in (await page_of(client, path)).all_of("input") if one["name"] == "q"]
        assert 1 == len(boxes), path
    for asked, link in (
        ("check", "/r/internal/shop/checkout"),
        ("platform/gateway:2.4", "/t/internal/platform/gateway:2.4"),
        ("registry.internal.example:5000/shop/search", "/r/internal/shop/search"),
        ("dangling", "/rules/MFL201"),
        ("mfl201", "/rules/MFL201"),
        ("3.9", "/matrix?tag=3.9"),
    ):
        page = await page_of(client, f"/search?q={asked}")
        assert link in page.links, asked


async def test_what_is_not_found_says_how_to_search(client: Client) -> None:
    assert "A part of a repository's name" in (await page_of(client, "/search?q=zzzz")).text
    assert 400 == (await client.get("/search?q=")).status


async def test_the_csv_holds_exactly_what_is_narrowed(client: Client) -> None:
    path = "/findings?severity=error&age=%3C7d&limit=1"
    page = ParsedPage(await (await client.get(path)).text())
    (link,) = {one for one in page.links if ".csv" in one}
    rows = list(csv.DictReader(io.StringIO(await (await client.get(link)).text())))
    shown = await read(client, "/findings?severity=error&age=%3C7d", FindingsAnswer)

    assert len(shown.items) > 1
    assert [item.fingerprint for item in shown.items] == [row["fingerprint"] for row in rows]
