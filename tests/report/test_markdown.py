from collections.abc import Callable

import msgspec
import pytest

from mfl_lint.core.scan import Scan
from mfl_lint.report.markdown import MAX_ROWS, render_markdown
from mfl_lint.report.material import Material


def test_the_report_is_the_golden_one(
    material: Material, golden: Callable[[str, str], None]
) -> None:
    golden("scan.md", render_markdown(material))


def test_nothing_found_is_said_only_of_what_was_seen(scan: Scan) -> None:
    whole = Scan(scan.started_at, scan.targets[:1], ())
    assert "No findings.\n" in render_markdown(Material(whole))
    for missed in (scan.targets[3:4], scan.targets[4:]):
        part = Scan(scan.started_at, missed, ())
        assert "No findings in what could be looked at.\n" in render_markdown(Material(part))


def test_what_is_left_out_is_counted(material: Material) -> None:
    findings = material.scan.findings[:1] * (MAX_ROWS + 3)
    scan = msgspec.structs.replace(material.scan, findings=findings)
    text = render_markdown(msgspec.structs.replace(material, scan=scan))
    assert MAX_ROWS == text.count("| ❌ error |")
    assert "\n3 more are not shown here.\n" in text


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("a|b", "`a\\x7cb`"),
        ("a\\|b", "`a\\\\x7cb`"),
        ("`a`` b", "``` `a`` b ```"),
        ("@team <b> [x](y)", "`@team <b> [x](y)`"),
        ("a\n| b", "`a\\n\\x7c b`"),
    ],
)
def test_a_cell_is_one_code_span(text: str, cell: str, material: Material) -> None:
    finding = msgspec.structs.replace(material.scan.findings[0], message=text)
    scan = msgspec.structs.replace(material.scan, findings=(finding,))
    shown = render_markdown(msgspec.structs.replace(material, scan=scan))
    row = next(line for line in shown.splitlines() if "❌" in line)
    assert cell == row.split(" | ")[4]


def test_no_fix_closes_its_block(material: Material) -> None:
    finding = msgspec.structs.replace(material.scan.findings[0], fix="````\n# a heading")
    scan = msgspec.structs.replace(material.scan, findings=(finding,))
    shown = render_markdown(msgspec.structs.replace(material, scan=scan))
    ours = f"mfl-lint fix {finding.reference}\n# or with other tools:"
    assert f"`````sh\n{ours}\n````\n# a heading\n`````\n" in shown
