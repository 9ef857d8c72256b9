"""In a browser: nothing violates WCAG AA, nothing scrolls sideways, the policy blocks nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright, expect

from mfl_lint.core.records import CrawlRecord, CrawlStatus
from mfl_lint.store import crawls, registries
from mfl_lint.store.engine import Store, open_store
from mfl_lint.web.application import create_app
from tests.web import filled_store
from tests.web.conftest import Client, make_database, served, services_of
from tests.web.test_rendering import HOSTILE_PAGES

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LOOKED_AT = (
    "/",
    "/registries/internal",
    "/r/internal/shop/checkout",
    "/r/hub/acme/agent-arm64",
    "/t/internal/shop/checkout:latest",
    "/t/internal/platform/gateway:latest",
    "/t/edge/fleet/probe:latest",
    "/findings",
    "/rules",
    "/rules/MFL101",
    "/crawls",
    "/crawls/19",
    "/findings?repository=nothing",
)
RULESETS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

pytestmark = pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="there is no browser")


@asynccontextmanager
async def browsing() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


async def problems_of(page: Page, client: Client, paths: tuple[str, ...]) -> list[str]:
    """Return what is wrong with the pages: axe's violations, overflow, what the console says."""
    found: list[str] = []
    page.on("console", lambda message: found.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: found.append(f"script: {error}"))
    page.on("dialog", lambda dialog: found.append(f"dialog: {dialog.message}"))
    for path in paths:
        await page.goto(str(client.make_url(path)))
        await page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        results = await Axe().run(page, options={"runOnly": RULESETS})
        found += [
            f"{path}: {violation['id']}: {violation['nodes'][0]['html'][:200]}"
            for violation in results.response["violations"]
        ]
        overflow = await page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        if overflow > 0:
            found.append(f"{path}: scrolls sideways by {overflow} pixels")
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1366])
async def test_pages_are_accessible_and_fit(filled_url: str, scheme: str, width: int) -> None:
    async with browsing() as browser, served(filled_url) as client:
        page = await browser.new_page(
            color_scheme="dark" if scheme == "dark" else "light",
            viewport={"width": width, "height": 844},
        )
        assert [] == await problems_of(page, client, LOOKED_AT)


async def test_hostile_pages_run_nothing_and_fit(hostile_url: str) -> None:
    async with browsing() as browser, served(hostile_url) as client:
        page = await browser.new_page(viewport={"width": 390, "height": 844})
        assert [] == await problems_of(page, client, HOSTILE_PAGES)


async def test_empty_pages_are_accessible_and_fit(empty_url: str) -> None:
    async with browsing() as browser, served(empty_url) as client:
        page = await browser.new_page(viewport={"width": 390, "height": 844})
        assert [] == await problems_of(page, client, ("/", "/findings", "/crawls", "/rules"))


async def test_pages_work_without_javascript(filled_url: str) -> None:
    async with browsing() as browser, served(filled_url) as client:
        context = await browser.new_context(java_script_enabled=False)
        page = await context.new_page()
        await page.goto(str(client.make_url("/findings")))
        await page.fill("input[name=repository]", "shop/search")
        await page.press("input[name=repository]", "Enter")
        await page.click("a.rule")
        assert await page.inner_text("h1") == "MFL401 missing-platform"


async def test_the_keyboard_reaches_the_content_first(filled_url: str) -> None:
    async with browsing() as browser, served(filled_url) as client:
        page = await browser.new_page()
        await page.goto(str(client.make_url("/r/internal/shop/checkout")))
        await page.keyboard.press("Tab")
        assert "Skip to the content" == await page.evaluate("document.activeElement.textContent")
        await page.keyboard.press("Enter")
        assert "main" == await page.evaluate("document.activeElement.id")


async def test_a_fix_can_be_copied(filled_url: str) -> None:
    async with browsing() as browser, served(filled_url) as client:
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


async def test_a_crawl_is_followed_live_and_a_dead_service_is_noticed(tmp_path: Path) -> None:
    url = await asyncio.to_thread(make_database, tmp_path / "live.db", begin_a_crawl)
    done = [3]

    def live() -> tuple[CrawlRecord, ...]:
        running = CrawlStatus.RUNNING
        return (CrawlRecord(1, "hub", running, filled_store.NOW, None, 9, done[0]),)

    async with open_store(url) as store, browsing() as browser:
        app = create_app(replace(await services_of(store), live=live))
        server = TestServer(app)
        await server.start_server()
        page = await browser.new_page()
        await page.goto(str(server.make_url("/crawls/1")))
        async with page.expect_response("**/api/v1/crawls/1"):
            pass
        done[0] = 7
        await expect(page.locator(".progress-line strong")).to_have_text("7", timeout=20_000)
        await server.close()
        await expect(page.locator("#stale")).to_contain_text("does not answer", timeout=20_000)
