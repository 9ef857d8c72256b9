"""Badges, feeds, figures and tables: true, and inert whatever registries say."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from mfl_lint.registry.allowance import Allowance
from mfl_lint.registry.traffic import Stats
from mfl_lint.store.engine import open_store
from mfl_lint.web.application import create_app
from mfl_lint.web.badge import svg
from tests.web.conftest import Client, services_of
from tests.web.filled_store import HOSTILE

ATOM = "{http://www.w3.org/2005/Atom}"
SVG = "{http://www.w3.org/2000/svg}"
FIRST_OF_FORMULA = re.compile(r"^ *[=+\-@＝＋－＠]", re.MULTILINE)


async def badge_of(client: Client, path: str, status: int = 200) -> str:
    """Return what a badge says, of which all elements are drawn ones."""
    async with client.get(f"/badge/{path}") as answer:
        assert (status, "image/svg+xml") == (answer.status, answer.content_type)
        root = ElementTree.fromstring(await answer.text())
    check_svg(root)
    title = root.find(f"{SVG}title")
    assert title is not None
    return title.text or ""


def check_svg(root: ElementTree.Element) -> None:
    drawn = {f"{SVG}{name}" for name in ("svg", "title", "rect", "path", "g", "text")}
    assert set() == {element.tag for element in root.iter()} - drawn
    for element in root.iter():
        assert [] == [name for name in element.attrib if name.startswith("on") or "href" in name]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("internal/shop/checkout/3.10.svg", "amd64 | arm64 | arm/v7 | ppc64le | s390x"),
        ("internal/shop/checkout/3.10.svg?show=state", "ok"),
        ("internal/shop/checkout/latest.svg?show=state", "error"),
        ("internal/shop/search/latest.svg", "amd64: error"),
        ("edge/fleet/partial/latest.svg?show=state", "unknown"),
    ],
)
async def test_a_badge_says_platforms_or_state(client: Client, path: str, said: str) -> None:
    tag = path.split("/")[-1].partition(".svg")[0]
    assert f"{tag}: {said}" == await badge_of(client, path)


@pytest.mark.parametrize("path", ["internal/shop/legacy/old", "nothing/a/b", "internal/A/%00"])
async def test_a_badge_of_what_is_not_known_says_so(client: Client, path: str) -> None:
    assert "image: not known" == await badge_of(client, f"{path}.svg", 404)


async def test_a_badge_may_stand_elsewhere_for_a_minute_and_nothing_else_may(
    client: Client,
) -> None:
    badge = await client.get("/badge/internal/shop/checkout/3.10.svg")
    page = await client.get("/")
    again = await client.get(
        "/badge/internal/shop/checkout/3.10.svg", headers={"If-None-Match": badge.headers["ETag"]}
    )

    name = "Cross-Origin-Resource-Policy"
    assert ("cross-origin", "same-origin") == (badge.headers[name], page.headers[name])
    assert "private, max-age=60" == badge.headers["Cache-Control"]
    assert (304, "cross-origin") == (again.status, again.headers[name])


def test_a_badge_holds_markup_as_text() -> None:
    root = ElementTree.fromstring(svg(HOSTILE, HOSTILE, "#000"))

    check_svg(root)
    texts = [element.text or "" for element in root.iter(f"{SVG}text")]
    assert 2 == len(texts)
    assert all(text.startswith("<script>alert(1)</script>") for text in texts)
    assert "\u202e" not in "".join(texts)


async def feed_of(client: Client, query: str = "") -> ElementTree.Element:
    async with client.get(f"/feed.atom{query}") as answer:
        assert (200, "application/atom+xml") == (answer.status, answer.content_type)
        return ElementTree.fromstring(await answer.text())


def texts(root: ElementTree.Element, path: str) -> list[str]:
    found = root.findall("/".join(f"{ATOM}{name}" for name in path.split("/")))
    return [element.text or "" for element in found]


async def test_a_feed_holds_the_newest_changes_with_all_that_atom_demands(client: Client) -> None:
    root = await feed_of(client)
    (alternate,) = root.findall(f"{ATOM}entry[1]/{ATOM}link")

    assert 50 >= len(texts(root, "entry")) > 5
    for name in ("id", "title", "updated"):
        assert 1 == len(texts(root, name))
        assert len(texts(root, "entry")) == len([t for t in texts(root, f"entry/{name}") if t])
    ids, times = texts(root, "entry/id"), texts(root, "entry/updated")
    assert len(ids) == len(set(ids))
    assert sorted(times, reverse=True) == times
    assert times[0] == texts(root, "updated")[0]
    assert 200 == (await client.get(alternate.attrib["href"])).status


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("?registry=edge", "edge/"),
        ("?repository=shop/search", "shop/search"),
        ("?rule=MFL201", "MFL201"),
    ],
)
async def test_a_feed_is_narrowed_to_a_registry_a_repository_or_a_rule(
    client: Client, query: str, word: str
) -> None:
    root = await feed_of(client, query)
    titles = texts(root, "entry/title")

    assert titles
    assert all(word in title for title in titles)
    assert texts(root, "id") != texts(await feed_of(client), "id")
    assert [] == texts(await feed_of(client, "?rule=MFL999"), "entry")


async def test_pages_name_their_own_feed(client: Client) -> None:
    for path, feed in (
        ("/", "/feed.atom"),
        ("/registries/edge", "/feed.atom?registry=edge"),
        ("/r/internal/shop/search", "repository=shop%2Fsearch"),
        ("/rules/MFL201", "/feed.atom?rule=MFL201"),
    ):
        assert feed in await (await client.get(path)).text(), path


async def test_a_feed_of_a_hostile_registry_is_text(hostile: Client) -> None:
    root = await feed_of(hostile)

    assert texts(root, "entry")
    assert {"feed", "title", "id", "updated", "link", "author", "name", "entry", "category",
            "content"} == {element.tag.removeprefix(ATOM) for element in root.iter()}  # fmt: skip
    whole = "".join(root.itertext())
    assert "<script>alert(1)</script>" in whole
    assert "\u202e" not in whole
    assert "\x07" not in whole
    for link in root.iter(f"{ATOM}link"):
        assert link.attrib["href"].startswith("/")
        assert not link.attrib["href"].startswith("//")


async def test_a_table_of_a_hostile_registry_holds_no_formula_and_no_control(
    hostile: Client,
) -> None:
    for path in ("/api/v1/findings.csv", "/api/v1/matrix.csv"):
        text = await (await hostile.get(path)).text()
        _, *rows = csv.reader(io.StringIO(text, newline=""))
        assert rows
        for cell in (cell for row in rows for cell in row):
            assert not FIRST_OF_FORMULA.search(cell), cell
            assert "\x07" not in cell
            assert "\u202e" not in cell


@asynccontextmanager
async def scraped(url: str, traffic: Stats) -> AsyncIterator[Client]:
    async with open_store(url) as store:
        services = replace(await services_of(store), traffic=lambda: traffic)
        async with TestClient(TestServer(create_app(services))) as client:
            yield client


async def samples(client: Client) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    async with client.get("/metrics") as answer:
        assert 200 == answer.status
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        text = await answer.text()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def traffic_of(*hosts: str) -> Stats:
    stats = Stats()
    for host in hosts:
        counted = stats.of(host)
        counted.count("GET", "ok", 10)
        counted.count("HEAD", "denied")
        counted.allowances["hub"] = Allowance(100, 77, 3600.0)
        counted.allowances[HOSTILE] = Allowance(100, 1, 3600.0)
    return stats


async def test_the_figures_are_those_of_the_store_and_of_the_wire(filled_url: str) -> None:
    traffic = traffic_of("registry-1.docker.io", "registry.internal.example:5000")
    async with scraped(filled_url, traffic) as client:
        found = await samples(client)
        overview = await (await client.get("/api/v1/overview")).json()

    docker = (("host", "docker.io"), ("method", "GET"), ("outcome", "ok"))
    assert 1 == found["mfl_lint_requests_total", docker]
    assert 77 == found["mfl_lint_pulls_remaining", (("host", "docker.io"), ("registry", "hub"))]
    assert 61 == found["mfl_lint_crawl_duration_seconds", (("registry", "edge"),)]
    assert 0 == found["mfl_lint_crawl_succeeded", (("registry", "edge"),)]
    assert 1 == found["mfl_lint_crawl_succeeded", (("registry", "internal"),)]
    assert 0 == found["mfl_lint_look_requests", (("state", "pending"),)]
    assert 0 < found["mfl_lint_alerts_outbox", (("state", "pending"),)]
    errors = sum(
        value
        for (name, labels), value in found.items()
        if name == "mfl_lint_findings" and ("severity", "error") in labels
    )
    assert overview["counts"]["error"] + overview["ignored"]["error"] == errors


async def test_no_registry_can_make_labels(hostile_url: str) -> None:
    hosts = [f"{HOSTILE}{number}.example" for number in range(300)]
    async with scraped(hostile_url, traffic_of("docker.io", *hosts)) as client:
        found = await samples(client)

    named = {dict(labels).get("host") for _, labels in found} - {None}
    assert {"other"} == named
    assert not any(HOSTILE in value for _, labels in found for _, value in labels)
