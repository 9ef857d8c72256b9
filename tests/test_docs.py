"""Pages that are made from the code say what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.make import pages

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("name", sorted(pages()))
def test_a_made_page_is_up_to_date(name: str) -> None:
    assert pages()[name] == (ROOT / "docs" / name).read_text(encoding="utf-8")


def test_no_page_of_a_rule_that_is_gone_is_left() -> None:
    left = {f"rules/{path.name}" for path in (ROOT / "docs" / "rules").glob("*.md")}
    assert {name for name in pages() if name.startswith("rules/")} == left


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    links = _LINK.findall(page.read_text(encoding="utf-8"))
    assert [] == [link for link in links if not (page.parent / link).exists()]


def test_what_is_more_is_installed_in_one_way_everywhere() -> None:
    """Nothing but a checkout is installed from: messages, pages and settings say the same."""
    files = [*PAGES, ROOT / "config.example.toml", *(ROOT / "src").rglob("*.py")]
    other = [file.name for file in files if "mfl-lint[" in file.read_text(encoding="utf-8")]
    assert [] == other
