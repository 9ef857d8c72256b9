import base64
import hashlib
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Literal

import msgspec
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import async_playwright

from mfl_lint import __version__
from mfl_lint.core.scan import Scan
from mfl_lint.report.html_page import render_html
from mfl_lint.report.material import Material

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]


class Read(HTMLParser):
    """Collects a page's elements and their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


def test_the_page_is_the_golden_one(material: Material, golden: Callable[[str, str], None]) -> None:
    golden("scan.html", render_html(material).replace(__version__, "VERSION"))


def test_the_page_stands_alone_and_its_policy_allows_its_style_only(material: Material) -> None:
    page = render_html(material)
    read = Read(page)
    assert not {"script", "link", "img", "iframe", "form"} & {tag for tag, _ in read.elements}
    for _, attributes in read.elements:
        assert not {"src", "href", "style"} & attributes.keys()
        assert not any(name.startswith("on") for name in attributes)
    policy = next(x["content"] for _, x in read.elements if "http-equiv" in x)
    style = re.search(r"<style>(.*)</style>", page, re.DOTALL)
    assert style
    hashed = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{hashed}';")


def test_markup_of_a_registry_is_text(material: Material) -> None:
    hostile = "</title></style><script>alert(1)</script><b onclick=x>\"'"
    finding = msgspec.structs.replace(
        material.scan.findings[0], message=hostile, fix=hostile, platform=hostile
    )
    target = msgspec.structs.replace(material.scan.targets[0], reference=hostile, detail=hostile)
    scan = Scan(material.scan.started_at, (target,), (finding,), (hostile,), (), (hostile,))
    plain = Scan(scan.started_at, material.scan.targets[:1], scan.findings, ("x",), (), ("x",))
    one, other = (
        [tag for tag, _ in Read(render_html(Material(item))).elements] for item in (scan, plain)
    )
    assert one == other


def test_a_scan_of_nothing_says_so(scan: Scan) -> None:
    assert "Nothing was looked at." in render_html(Material(Scan(scan.started_at, (), ())))


@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="there is no browser")
@pytest.mark.parametrize(("scheme", "width"), [("light", 1100), ("dark", 1100), ("light", 390)])
async def test_a_browser_shows_it_whole_and_accessible(
    scheme: Literal["light", "dark"], width: int, material: Material, tmp_path: Path
) -> None:
    long = msgspec.structs.replace(material.scan.findings[0], message="x" * 600, platform="y" * 300)
    scan = msgspec.structs.replace(material.scan, findings=(long, *material.scan.findings))
    path = tmp_path / "report.html"
    path.write_text(render_html(msgspec.structs.replace(material, scan=scan)))
    complaints: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.on("console", lambda message: complaints.append(message.text))
        await page.goto(path.as_uri())
        wide = await page.evaluate("document.documentElement.scrollWidth")
        styled = await page.evaluate(
            "getComputedStyle(document.querySelector('.card')).borderRadius"
        )
        await page.evaluate(AXE_SCRIPT)
        found = await page.evaluate("axe.run({resultTypes: ['violations']})")
        await browser.close()
    assert (width, "8px", []) == (wide, styled, complaints)
    assert [] == [item["id"] for item in found["violations"]]
