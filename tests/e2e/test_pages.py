"""A real crawl of docker-registry, served by the real command, as people see it in a browser."""

from __future__ import annotations

import asyncio
import re
import signal
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, StorageState, expect

from tests.browser import NOTE_PROGRESS, problems_of, reach, shown_problems, without_polling
from tests.e2e.company import PASSWORD, Company, grown, opened, sign_in
from tests.servers import DockerRegistry
from tests.web.test_access import TABLE

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Every address with a page, and where it is looked at; None: it leads on, or is a form's answer.
_CHECKOUT: Final = "company/shop/checkout"
PAGES: Final = {
    "/": "/",
    "/registries/{registry}": "/registries/company",
    "/r/{registry}/{repository}": f"/r/{_CHECKOUT}",
    "/t/{registry}/{repository}:{tag}": f"/t/{_CHECKOUT}:3.9",
    "/d/{registry}/{repository}:{tag}": f"/d/{_CHECKOUT}:latest",
    "/findings": "/findings",
    "/rules": "/rules",
    "/rules/{id}": "/rules/MFL101",
    "/crawls": "/crawls",
    "/crawls/{id}": "/crawls/1",
    "/scans": "/scans",
    "/scans/new": "/scans/new?registry=company&repository=shop/checkout",
    "/ignores": "/ignores",
    "/ignores/new": "/ignores/new?rule=MFL101&registry=company",
    "/ignores/{id}/undo": "/ignores/1/undo",
    "/audit": "/audit",
    "/matrix": "/matrix?platform=linux/arm64",
    "/search": "/search?q=check",
    "/account": "/account",
    "/look": "/look",
    "/alerts": "/alerts",
    "/silences/new": "/silences/new",
    "/acknowledgements/new": "/acknowledgements/new",
    "/hooks": "/hooks",
    "/pushes": "/pushes",
    "/plans/{registry}/{repository}:{tag}": "/plans/company/shop/checkout:latest",
}
SIGNED_OUT: Final = (
    "/",
    "/findings",
    "/login",
    "/login?next=/findings",
    "/registries/mirror",
    "/look",
)
REFUSED: Final = {
    "/audit": 403,
    "/nowhere": 404,
    "/t/company/shop/nothing:1": 404,
    "/findings?severity=worst": 400,
    "/crawls/99": 404,
}
# What they name has to be made first: tests/web/test_journeys.py looks at forms like them.
MADE_FIRST: Final = {
    "/alerts/{id}/retry",
    "/silences/{id}/end",
    "/acknowledgements/{fingerprint}/undo",
    "/push/{registry}/{repository}:{tag}",
    "/pushes/{id}",
    "/pushes/{id}/undo",
}
NO_PAGE: Final = re.compile(r"/(api/|static/|badge/|feed|metrics|healthz|readyz|login)")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    """Return a docker-registry of this module's own."""
    with DockerRegistry(tmp_path_factory.mktemp("registry")) as registry:
        yield registry


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def company(
    registry: DockerRegistry, docker: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Company]:
    """Yield the company, whose service answers; nothing is due to be crawled."""
    company = await grown(tmp_path_factory.mktemp("company") / "user", registry)
    async with company.served():
        yield company


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def admin(browser: Browser, company: Company) -> StorageState:
    """Return the cookies of an admin who signed in."""
    context = await browser.new_context()
    await sign_in(await context.new_page(), company, "admin")
    state = await context.storage_state()
    await context.close()
    return state


async def test_a_first_crawl_is_followed_live_by_its_events(
    browser: Browser, company: Company, registry: DockerRegistry, tmp_path: Path
) -> None:
    new = opened(tmp_path / "new", registry, "rate = 20.0")
    await new.hire("viewer")
    page = await browser.new_page()
    async with new.served() as service:
        async with page.expect_response("**/api/v1/crawls/events") as told:
            await sign_in(page, new, "viewer", "/crawls")
        assert "text/event-stream" == await (await told.value).header_value("content-type")
        new.configure('rate = 20.0\ninterval = "1h"')
        service.send(signal.SIGHUP)
        await page.route(re.compile(rf"^{new.address}/crawls/\d+$"), without_polling)
        await page.click("tbody th a >> text=company")
        await expect(page.locator("main[data-every='9999'] h1")).to_contain_text("of company")
        await page.evaluate(NOTE_PROGRESS)
        await expect(page.locator(".head .chip")).to_have_text("done", timeout=60_000)
        noted = [int(one) for one in await page.evaluate("window.noted")]
        assert (11, sorted(set(noted)), True) == (noted[-1], noted, len(noted) > 2)
        await page.click("nav >> text=Overview")
        await expect(page.locator("h1")).to_contain_text("errors in what you publish")
        await expect(page.locator(".running")).to_have_count(0)
    await page.close()


async def test_what_is_broken_is_mended_by_what_the_pages_say(
    browser: Browser, company: Company
) -> None:
    context = await browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = await context.new_page()
    await sign_in(page, company, "editor")
    broken = page.locator("section[aria-labelledby=h-broken] .row")
    await expect(broken.first).to_contain_text("platform-contradicts-config")
    await page.click("section[aria-labelledby=h-registries] a >> text=company")
    await page.click("main a >> text=shop/checkout")
    await expect(page.locator("td .box.error").first).to_have_attribute(
        "title", re.compile("^linux/s390x: MFL101 the index says linux/s390x, the config says")
    )
    await page.click("main th a >> text=latest")
    finding = page.locator("[aria-labelledby=h-findings] .finding", has_text="MFL101")
    await expect(finding.locator("pre").first).to_contain_text("mfl-lint fix")
    await finding.get_by_text("With other tools").click()
    await finding.locator("details").get_by_role("button", name="Copy").click()
    commands = await page.evaluate("navigator.clipboard.readText()")
    done = await company.paste(commands)
    assert 0 == done.code, done.err
    await page.get_by_role("link", name="Look now").click()
    await page.get_by_role("button", name="Look now").click()
    tag = f"{company.address}/t/company/shop/checkout:latest"
    async with asyncio.timeout(30):
        await page.goto(tag)
        while await page.locator(".history li").count() < 3:
            await asyncio.sleep(0.5)
            await page.goto(tag)
    await expect(finding).to_have_count(0)
    await page.click("nav >> text=Overview")
    changes = page.locator(".change.resolved", has_text="shop/checkout:latest")
    await expect(changes.filter(has_text="platform-contradicts-config")).to_have_count(1)
    await context.close()


async def test_everything_is_done_by_keys_alone(browser: Browser, company: Company) -> None:
    page = await browser.new_page()
    await page.goto(f"{company.address}/ignores/new")
    await reach(page, 'name="name"')
    await page.keyboard.type("editor")
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{company.address}/ignores/new")
    await reach(page, 'href="/findings"')
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/findings")
    await reach(page, 'value="error"')
    await page.keyboard.press("Space")
    await reach(page, ">Show<")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/findings?*severity=error*")
    await reach(page, "platform/gateway:2.2")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/t/company/platform/gateway:2.2")
    await reach(page, 'class="copy"')
    await reach(page, "/ignores/new?rule=MFL201")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/ignores/new?*")
    await reach(page, 'name="reason"')
    await page.keyboard.type("rebuilt tonight\n")
    await page.wait_for_url("**/ignores")
    await expect(page.get_by_role("table")).to_contain_text("rebuilt tonight")
    await reach(page, "Undo")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/undo")
    await reach(page, ">Undo<")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/ignores")
    await expect(page.get_by_role("table")).not_to_contain_text("rebuilt tonight")
    await page.close()


async def test_the_way_is_the_same_without_scripts(browser: Browser, company: Company) -> None:
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await sign_in(page, company, "viewer")
    await page.click("section[aria-labelledby=h-registries] a >> text=company")
    await page.click("main a >> text=platform/gateway")
    await page.fill("input[name=lacks]", "linux/arm/v7")
    await page.press("input[name=lacks]", "Enter")
    await expect(page.locator("tbody tr")).to_have_count(2)
    await page.click("main th a >> text=latest")
    finding = page.locator(".finding", has_text="MFL201")
    await expect(finding.locator("pre").first).to_contain_text("mfl-lint fix")
    await finding.get_by_text("With other tools").click()
    await expect(finding.locator("details pre")).to_contain_text("docker buildx")
    await page.get_by_role("button", name="Compare the two").click()
    await expect(page.locator("main")).to_contain_text("1 removed")
    await page.go_back()
    await finding.locator("a.rule").click()
    await expect(page.locator("h1")).to_have_text("MFL201 dangling-digest")
    await page.get_by_role("link", name="Account").click()
    await page.get_by_role("button", name="Sign out").click()
    await page.goto(f"{company.address}/t/company/platform/gateway:latest")
    await expect(page.locator(".error-number")).to_have_text("404")
    await page.get_by_role("link", name="Overview").first.click()
    await expect(page.locator("main")).not_to_contain_text("company")
    await page.get_by_role("link", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await context.close()


async def test_every_page_is_looked_at() -> None:
    pages = {path for method, path in TABLE if method == "GET" and not NO_PAGE.match(path)}
    assert pages - MADE_FIRST == set(PAGES)


async def test_every_page_is_accessible_and_fits(
    browser: Browser, company: Company, admin: StorageState
) -> None:
    context = await browser.new_context(storage_state=admin)
    page = await context.new_page()
    await page.goto(f"{company.address}/ignores/new?rule=MFL303&registry=company")
    await page.get_by_label("Why").fill("known since spring")
    await page.get_by_role("button", name="Ignore").click()
    urls = [company.address + path for path in PAGES.values()]
    assert [] == await problems_of(page, urls)
    await context.close()


async def test_pages_for_strangers_are_accessible_and_fit(
    browser: Browser, company: Company
) -> None:
    page = await browser.new_page()
    urls = [company.address + path for path in SIGNED_OUT]
    assert [] == await problems_of(page, urls)
    await page.close()


async def test_pages_of_failures_are_accessible_and_fit(browser: Browser, company: Company) -> None:
    page = await browser.new_page()
    await sign_in(page, company, "viewer")
    for path, status in REFUSED.items():
        answer = await page.goto(company.address + path)
        assert answer is not None
        assert (status, []) == (answer.status, await shown_problems(page)), path
    await page.close()


REMEMBERED: Final = (
    "findings",
    "crawls",
    "ignores",
    "transitions",
    "t/company/shop/checkout:3.9",
    "d/company/shop/search:latest",
)


async def remembered(page: Page, company: Company) -> list[Any]:
    """Return what the service says to whoever the page's cookies are."""
    answers = [await page.request.get(f"{company.address}/api/v1/{path}") for path in REMEMBERED]
    assert {200} == {answer.status for answer in answers}
    return [await answer.json() for answer in answers]


async def test_a_restart_loses_neither_sessions_nor_ignores_nor_history(
    browser: Browser, company: Company, registry: DockerRegistry, tmp_path: Path
) -> None:
    other = opened(tmp_path / "other", registry)
    with (
        sqlite3.connect(company.mfl_lint.folder / "mfl-lint.db") as here,
        sqlite3.connect(other.mfl_lint.folder / "mfl-lint.db") as there,
    ):
        here.backup(there)
    page = await browser.new_page()
    async with other.served() as service:
        await sign_in(page, other, "editor", "/ignores/new")
        await page.get_by_label("Rule", exact=True).fill("MFL201")
        await page.get_by_label("Registry", exact=True).fill("company")
        await page.get_by_label("Why").fill("rebuilt tonight")
        await page.get_by_role("button", name="Ignore").click()
        await expect(page.get_by_role("table")).to_contain_text("rebuilt tonight")
        before = await remembered(page, other)
        await page.goto(f"{other.address}/crawls")
        assert 0 == await service.end(20.0)
    async with other.served():
        assert before == await remembered(page, other)
        await page.goto(f"{other.address}/ignores")
        await page.get_by_role("link", name="Undo").first.click()
        await page.get_by_role("button", name="Undo").click()
        await expect(page.get_by_role("table")).not_to_contain_text("rebuilt tonight")
    await page.close()
