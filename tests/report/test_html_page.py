import base64
import hashlib
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from playwright.async_api import Browser

from mfl_lint import __version__
from mfl_lint.core.scan import Scan
from mfl_lint.report.html_page import render_html
from mfl_lint.report.material import Material
from tests.browser import MODES, NARROW, problems_of


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


@pytest.mark.asyncio(loop_scope="module")
async def test_a_browser_shows_it_whole_and_accessible(
    browser: Browser, material: Material, tmp_path: Path
) -> None:
    long = msgspec.structs.replace(material.scan.findings[0], message="x" * 600, platform="y" * 300)
    scan = msgspec.structs.replace(material.scan, findings=(long, *material.scan.findings))
    path = tmp_path / "report.html"
    path.write_text(render_html(msgspec.structs.replace(material, scan=scan)))
    page = await browser.new_page()
    assert [] == await problems_of(page, [path.as_uri()], [*MODES, *NARROW])
    rounded = "getComputedStyle(document.querySelector('.card')).borderRadius"
    assert "8px" == await page.evaluate(rounded)
    await page.close()
