"""In a browser, as people go: from what is broken to the command that mends it."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser import reach
from tests.web.conftest import Client, served

pytestmark = pytest.mark.asyncio(loop_scope="module")
MAILS = Path(__file__).parents[1] / "alert" / "golden"
_FOCUS = "document.activeElement.outerHTML"
_RING = "getComputedStyle(document.activeElement).outlineStyle"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(filled_url: str) -> AsyncIterator[Client]:
    """Return the served pages."""
    async with served(filled_url) as client:
        yield client


@pytest.fixture
def start(site: Client) -> str:
    """Return the address of the overview."""
    return str(site.make_url("/"))


async def opened(browser: Browser, *, scripts: bool = True) -> Page:
    context = await browser.new_context(java_script_enabled=scripts)
    return await context.new_page()


@pytest.mark.parametrize("scripts", [True, False])
async def test_from_the_overview_to_the_command_that_mends(
    browser: Browser, start: str, scripts: bool
) -> None:
    page = await opened(browser, scripts=scripts)
    await page.goto(start)
    await page.click("section[aria-labelledby=h-registries] a[href='/registries/internal']")
    await page.click("main a[href='/r/internal/shop/checkout']")
    broken = page.locator("td .box.error")
    await expect(broken).to_have_attribute("title", re.compile("^linux/arm64: MFL101 the index"))
    await page.click("main a[href='/t/internal/shop/checkout:latest']")
    finding = page.locator("section[aria-labelledby=h-findings] .finding")
    await expect(finding).to_contain_text("another architecture")
    await expect(finding.locator("pre").first).to_contain_text("mfl-lint fix")
    await finding.get_by_text("With other tools").click()
    await expect(finding.locator("details pre")).to_contain_text("docker buildx build")
    await finding.locator("a.rule").click()
    await expect(page.locator("h1")).to_have_text("MFL101 platform-contradicts-config")
    await page.context.close()


async def test_what_changed_is_compared_from_the_page_of_a_tag(
    browser: Browser, start: str
) -> None:
    page = await opened(browser, scripts=False)
    await page.goto(f"{start}t/internal/platform/gateway:latest")
    await page.check("input[name=before] >> nth=3")
    await page.click("text=Compare the two")
    await expect(page.locator("h1")).to_contain_text("What changed")
    assert 5 == await page.locator(".finding.warning").count()
    await page.context.close()


async def test_filters_are_set_and_taken_away(browser: Browser, start: str) -> None:
    page = await opened(browser)
    await page.goto(f"{start}findings")
    await page.check("input[name=severity][value=error]")
    await page.select_option("select[name=age]", "<7d")
    await page.click("form.filters button")
    await expect(page.locator(".findings > .finding")).to_have_count(3)
    assert "age=%3C7d" in page.url
    await page.click(".demand:has-text('age')")
    await expect(page.locator(".findings > .finding")).to_have_count(4)
    await expect(page.locator("input[value=error]")).to_be_checked()
    await page.click("text=Clear all")
    assert page.url.endswith("/findings")
    await page.context.close()


async def test_a_matrix_is_sorted_and_narrowed(browser: Browser, start: str) -> None:
    page = await opened(browser)
    await page.goto(f"{start}r/internal/shop/checkout")
    await page.click("th a.sorter >> nth=1")
    await expect(page.locator("tbody th a >> nth=1")).to_have_text("3.9")
    await page.fill("input[name=lacks]", "linux/arm/v7")
    await page.press("input[name=lacks]", "Enter")
    await expect(page.locator("tbody tr")).to_have_count(1)
    await expect(page.locator("select[name=sort]")).to_have_value("worst")
    await page.context.close()


async def test_everything_is_reached_by_keys_alone(browser: Browser, start: str) -> None:
    page = await opened(browser)
    await page.goto(start)
    await reach(page, 'name="q"')
    await page.keyboard.type("checkout:lat")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/search?q=*")
    await reach(page, "/t/internal/shop/checkout:latest")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/t/internal/shop/checkout:latest")
    await reach(page, "copy")
    await reach(page, "Whole digest")
    await page.keyboard.press("Enter")
    await expect(page.locator(".more details[open] pre")).to_contain_text("@sha256:")
    await reach(page, "Hosts and engines")
    await reach(page, 'name="before"')
    await reach(page, "Compare the two")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/d/internal/shop/checkout:latest?*")
    await page.context.close()


async def test_a_finding_is_acknowledged_and_silenced_from_its_page(
    browser: Browser, filled_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "own.db"
    shutil.copyfile(filled_url.removeprefix("sqlite:///"), file)
    async with served(f"sqlite:///{file}") as client:
        start = str(client.make_url("/"))
        page = await opened(browser)
        await page.goto(f"{start}t/internal/shop/checkout:latest")
        await page.click("section[aria-labelledby=h-findings] >> text=Acknowledge…")
        await page.fill("input[name=reason]", "rebuilt in 3.10")
        await page.click("main button")
        await expect(page.locator("section[aria-labelledby=acknowledged]")).to_contain_text(
            "rebuilt in 3.10"
        )
        await page.goto(f"{start}t/internal/shop/checkout:latest")
        await page.click("section[aria-labelledby=h-findings] >> text=Silence…")
        await page.fill("input[name=reason]", "the build farm moves")
        await page.fill("input[name=lasts]", "2h")
        await page.click("main button")
        silences = page.locator("section[aria-labelledby=silences]")
        await expect(silences).to_contain_text("the build farm moves")
        feed = await (await page.request.get(f"{start}feed.atom?registry=internal")).text()
        assert "Acknowledged by local: rebuilt in 3.10" in feed
        assert "the build farm moves" in feed
        await (
            silences.locator("tr", has_text="the build farm moves").locator("a >> text=End").click()
        )
        await page.click("main button")
        await expect(silences).not_to_contain_text("the build farm moves")
        await page.context.close()


@pytest.mark.parametrize("width", [900, 390])
@pytest.mark.parametrize("story", ["several", "report", "outage"])
async def test_a_mail_is_readable_at_any_width(browser: Browser, story: str, width: int) -> None:
    context = await browser.new_context(viewport={"width": width, "height": 800})
    page = await context.new_page()
    await page.goto((MAILS / f"{story}.html").as_uri())
    await expect(page.locator("h1")).to_be_visible()
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert 0 == await page.evaluate(wide)
    await context.close()
