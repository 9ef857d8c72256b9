"""In a browser: nothing violates WCAG AA, nothing scrolls sideways, the policy blocks nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer
from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Browser, Page, Route, expect

from mfl_lint.core.digest import Digest
from mfl_lint.core.policy import Ignore
from mfl_lint.core.pushes import PushEnd, PushRecord
from mfl_lint.core.records import CrawlRecord, CrawlStatus
from mfl_lint.store import crawls, pushes, registries
from mfl_lint.store.engine import Store, open_store
from mfl_lint.store.ignores import set_ignore
from mfl_lint.web.application import create_app
from tests.browser import (
    MODES,
    NARROW,
    broken_words_of,
    crowded_of,
    overflow_of,
    problems_of,
    violations_of,
)
from tests.web import filled_store
from tests.web.conftest import Client, make_database, served, services_of
from tests.web.filled_alerts import fill_alerts
from tests.web.people import PASSWORD, house
from tests.web.test_rendering import HOSTILE_PAGES

LOOKED_AT = (
    "/",
    "/registries/internal",
    "/r/internal/shop/checkout",
    "/r/hub/acme/agent-arm64",
    "/t/internal/shop/checkout:latest",
    "/t/internal/platform/gateway:latest",
    "/t/edge/fleet/probe:latest",
    "/t/edge/fleet/partial:latest",
    "/r/edge/fleet/partial",
    "/d/internal/shop/checkout:latest",
    "/findings",
    "/rules",
    "/rules/MFL101",
    "/crawls",
    "/crawls/19",
    "/findings?repository=nothing",
    "/hooks",
    "/scans",
    "/scans/new?registry=internal&repository=shop/checkout",
    "/ignores",
    "/ignores/new?rule=MFL101&registry=internal",
    "/alerts",
    "/silences/new?rule=MFL101&registry=internal",
    "/acknowledgements/new?fingerprint=0",
    "/account",
    "/audit",
)
SPACED = (
    "/registries/edge",
    "/crawls",
    "/audit",
    "/ignores",
    "/scans",
    "/plans/internal/shop/checkout:latest",
)
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(browser: Browser) -> Page:
    """Return the one page in which others are looked at."""
    return await browser.new_page()


def urls_of(client: Client, paths: Iterable[str]) -> list[str]:
    return [str(client.make_url(path)) for path in paths]


@pytest.mark.ordeal
async def test_pages_are_accessible_and_fit(page: Page, filled_url: str) -> None:
    async with served(filled_url) as client:
        assert [] == await problems_of(page, urls_of(client, LOOKED_AT))


async def test_a_person_signs_in_asks_ignores_and_signs_out_without_scripts(
    browser: Browser, filled_url: str, tmp_path: Path
) -> None:
    async with house(filled_url, tmp_path) as full:
        context = await browser.new_context(java_script_enabled=False)
        page = await context.new_page()
        await page.goto(str(full.client.make_url("/account")))
        await page.get_by_label("Name").fill("editor")
        await page.get_by_label("Password").fill("wrong password")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("alert")).to_contain_text("do not belong together")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await page.goto(str(full.client.make_url("/t/internal/shop/checkout:latest")))
        await page.get_by_role("link", name="Look now").click()
        await page.get_by_role("button", name="Look now").click()
        await expect(page.get_by_role("table")).to_contain_text("shop/checkout:latest")
        await page.go_back()
        await page.go_back()
        await page.get_by_role("link", name="Ignore…").first.click()
        await page.get_by_label("Why").fill("known since spring")
        await page.get_by_label("Until").fill("2026-06-01")
        await page.get_by_role("button", name="Ignore").click()
        await expect(page.get_by_role("table")).to_contain_text("known since spring")
        await page.get_by_role("link", name="Undo").click()
        await page.get_by_role("button", name="Undo").click()
        await expect(page.get_by_role("table")).not_to_contain_text("known since spring")
        await page.get_by_role("link", name="Account").click()
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        await context.close()


async def test_the_sign_in_is_accessible_and_fits(
    page: Page, filled_url: str, tmp_path: Path
) -> None:
    async with house(filled_url, tmp_path) as full:
        assert [] == await problems_of(page, urls_of(full.client, ("/login", "/look")))


async def test_what_was_pushed_is_accessible_and_fits(
    page: Page, filled_url: str, tmp_path: Path
) -> None:
    before, after = Digest(f"sha256:{'1' * 64}"), Digest(f"sha256:{'2' * 64}")
    place = ("internal", "shop/checkout", "latest", before, f'{{"digest": "{after}"}}')
    async with house(filled_url, tmp_path, people=False) as full:
        ends = (("pushed", after, ""), ("unknown", None, "the connection was cut"))
        paths = ["/pushes"]
        for state, digest, problem in ends:
            record = PushRecord(filled_store.NOW, "editor", *place)
            (number,) = await pushes.begin_push(full.store, record)
            await pushes.end_push(full.store, PushEnd(number, state, digest, problem))
            paths.append(f"/pushes/{number}")
        assert [] == await problems_of(page, urls_of(full.client, paths), [*MODES, *NARROW])


@pytest.mark.ordeal
async def test_hostile_pages_run_nothing_and_fit(page: Page, hostile_url: str) -> None:
    async with served(hostile_url) as client:
        assert [] == await problems_of(page, urls_of(client, HOSTILE_PAGES), NARROW)


async def test_empty_pages_are_accessible_and_fit(page: Page, empty_url: str) -> None:
    async with served(empty_url) as client:
        paths = (
            "/",
            "/findings",
            "/crawls",
            "/matrix",
            "/search?q=x",
            "/ignores",
            "/scans",
            "/audit",
            "/alerts",
        )
        assert [] == await problems_of(page, urls_of(client, paths))


@pytest.mark.parametrize("width", [1280, 760, 390])
async def test_long_references_break_no_short_word(
    page: Page, filled_url: str, tmp_path: Path, width: int
) -> None:
    long = f"the build of {'telemetry-collector/' * 4}agent-arm64@sha256:{'0123456789abcdef' * 4}"
    place = (f"internal/{'observability/' * 4}agent", "2026.11.28-rc.1-build.4711")
    until = filled_store.NOW + timedelta(days=3)
    ignore = Ignore("MFL101", f"{long} is made anew", "internal", *place, until)
    who = "oidc:katharina.mustermann@subsidiary.example.com"
    await page.set_viewport_size({"width": width, "height": 800})
    async with house(filled_url, tmp_path, people=False) as full:
        await fill_alerts(full.store, filled_store.NOW, long, "long")
        await set_ignore(full.store, ignore, who=who, now=filled_store.NOW)
        for path in ("/alerts", "/audit", "/ignores", "/rules"):
            await page.goto(str(full.client.make_url(path)))
            assert [] == [*await broken_words_of(page), *await overflow_of(page)]


async def test_the_account_stands_on_the_line_of_the_name(page: Page, filled_url: str) -> None:
    async with served(filled_url) as client:
        await page.goto(str(client.make_url("/rules")))
        for width in (390, 720, 910, 1040, 1130, 1280):
            await page.set_viewport_size({"width": width, "height": 800})
            boxes = [await page.locator(name).bounding_box() for name in (".brand", ".account")]
            middles = {round(box["y"] + box["height"] / 2) for box in boxes if box}
            assert 3 > max(middles) - min(middles), width


@pytest.mark.parametrize("width", [1366, 390])
async def test_boxes_keep_their_distance(
    page: Page, filled_url: str, empty_url: str, width: int
) -> None:
    await page.set_viewport_size({"width": width, "height": 800})
    for url in (filled_url, empty_url):
        async with served(url) as client:
            for path in SPACED:
                await page.goto(str(client.make_url(path)))
                assert [] == [f"{path}: {found}" for found in await crowded_of(page)]


@pytest.mark.parametrize("width", [1366, 390])
async def test_the_line_above_a_box_does_not_touch_it(
    page: Page, filled_url: str, empty_url: str, width: int
) -> None:
    await page.set_viewport_size({"width": width, "height": 800})
    for url in (filled_url, empty_url):
        async with served(url) as client:
            await page.goto(str(client.make_url("/alerts")))
            line = await page.locator("section > .quiet").first.bounding_box()
            box = await page.locator("section > .quiet + *").first.bounding_box()
            assert line is not None
            assert box is not None
            assert 8 == round(box["y"] - line["y"] - line["height"])


async def test_what_is_wrong_with_a_page_is_seen(page: Page, filled_url: str) -> None:
    async with served(filled_url) as client:
        await page.goto(str(client.make_url("/rules")))
        await page.evaluate(AXE_SCRIPT)
        await page.evaluate("document.querySelector('h1').style.width = '9000px'")
        await page.evaluate("document.querySelector('h1').innerHTML = '<img src=/static/icon.svg>'")
        assert ["scrolls sideways"] == [one[:16] for one in await overflow_of(page)]
        assert "image-alt" in {one.partition(":")[0] for one in await violations_of(page)}


async def test_pages_work_without_javascript(browser: Browser, filled_url: str) -> None:
    async with served(filled_url) as client:
        context = await browser.new_context(java_script_enabled=False)
        page = await context.new_page()
        await page.goto(str(client.make_url("/findings")))
        await page.fill("input[name=repository]", "shop/search")
        await page.press("input[name=repository]", "Enter")
        await page.click("a.rule")
        assert await page.inner_text("h1") == "MFL401 missing-platform"


async def test_the_keyboard_reaches_the_content_first(page: Page, filled_url: str) -> None:
    async with served(filled_url) as client:
        await page.goto(str(client.make_url("/r/internal/shop/checkout")))
        await page.keyboard.press("Tab")
        assert "Skip to the content" == await page.evaluate("document.activeElement.textContent")
        await page.keyboard.press("Enter")
        assert "main" == await page.evaluate("document.activeElement.id")


async def test_a_fix_can_be_copied(browser: Browser, filled_url: str) -> None:
    async with served(filled_url) as client:
        context = await browser.new_context()
        await context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = await context.new_page()
        await page.goto(str(client.make_url("/t/internal/shop/checkout:latest")))
        await page.click("button.copy")
        copied = await page.evaluate("navigator.clipboard.readText()")
        assert copied == await page.text_content("pre[data-copy]")


async def begin_a_crawl(store: Store) -> None:
    await registries.sync_registries(store, filled_store.CONFIG.registries, filled_store.NOW)
    await crawls.start_crawl(store, "hub", filled_store.NOW)


async def test_a_crawl_is_followed_live_and_a_dead_service_is_noticed(
    page: Page, tmp_path: Path
) -> None:
    url = await asyncio.to_thread(make_database, tmp_path / "live.db", begin_a_crawl)
    done = [3]

    def live() -> tuple[CrawlRecord, ...]:
        running = CrawlStatus.RUNNING
        return (CrawlRecord(1, "hub", running, filled_store.NOW, None, 9, done[0]),)

    async with open_store(url) as store:
        app = create_app(replace(await services_of(store), live=live))
        server = TestServer(app)
        await server.start_server()
        await page.goto(str(server.make_url("/crawls/1")))
        done[0] = 7
        await expect(page.locator(".progress-line strong")).to_have_text("7", timeout=20_000)
        await server.close()
        await expect(page.locator("#stale")).to_contain_text("does not answer", timeout=20_000)


async def test_the_list_of_crawls_follows_events(browser: Browser, tmp_path: Path) -> None:
    url = await asyncio.to_thread(make_database, tmp_path / "live.db", begin_a_crawl)

    async def never_polling(route: Route) -> None:
        answer = await route.fetch()
        text = await answer.text()
        assert 'data-every="10"' in text
        await route.fulfill(body=text.replace('data-every="10"', 'data-every="9999"'))

    async with open_store(url) as store:
        server = TestServer(create_app(await services_of(store)))
        await server.start_server()
        page = await browser.new_page()
        await page.route(str(server.make_url("/crawls")), never_polling)
        async with page.expect_response("**/api/v1/crawls/events"):
            await page.goto(str(server.make_url("/crawls")))
        await expect(page.locator("tbody tr")).to_have_count(1)
        await crawls.start_crawl(store, "internal", filled_store.NOW)
        await expect(page.locator("tbody tr")).to_have_count(2, timeout=20_000)
        await page.close()
        await server.close()
