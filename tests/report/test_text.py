from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from mfl_lint.core.observation import LookState
from mfl_lint.core.scan import Scan
from mfl_lint.report.text import render_text

Golden = Callable[[str, str], None]


def test_the_report_is_the_golden_one(scan: Scan, golden: Golden) -> None:
    golden("scan.txt", render_text(scan))


def test_the_narrow_report_is_the_golden_one(scan: Scan, golden: Golden) -> None:
    golden("scan-narrow.txt", render_text(scan, width=50, ignored=2))


def test_the_coloured_report_is_the_golden_one(scan: Scan, golden: Golden) -> None:
    golden("scan-colour.txt", render_text(scan, color=True))


def test_without_unicode_the_report_is_ascii(scan: Scan) -> None:
    assert render_text(scan, unicode=False).replace("…", "").isascii()


def test_a_fix_is_never_broken(scan: Scan) -> None:
    lines = render_text(scan, width=40).splitlines()
    start = lines.index("  │   fix:") + 1
    finding = scan.findings[0]
    fix = [f"mfl-lint fix {finding.reference}", "# or with other tools:", *finding.fix.split("\n")]
    assert [f"      {line}" for line in fix] == lines[start : start + len(fix)]


def test_comments_of_a_fix_are_dim_on_a_terminal(scan: Scan) -> None:
    text = render_text(scan, color=True)
    assert "\x1b[2m# if the image itself is right" in text
    assert "\x1b[2mdocker" not in text


def test_what_would_end_a_line_of_a_fix_elsewhere_does_not(scan: Scan) -> None:
    wicked = msgspec.structs.replace(scan.findings[0], fix="# a\r\u2028\x85b\ndocker c")
    text = render_text(msgspec.structs.replace(scan, findings=(wicked,)))
    assert "      # a\\r\\u2028\\x85b\n      docker c\n" in text


def test_findings_stand_under_their_target_by_its_canonical_name(scan: Scan) -> None:
    after = render_text(scan).partition("app:bad")[2]
    assert after.index("MFL101") < after.index("app:fragile")


def test_a_clean_scan_says_that_nothing_is_to_do(scan: Scan) -> None:
    clean = Scan(scan.started_at, scan.targets[:1], ())
    assert render_text(clean).endswith("0 errors, 0 warnings in 1 reference.\nNothing to do.\n")


def test_an_empty_scan_says_so() -> None:
    empty = Scan(datetime(2026, 1, 1, tzinfo=UTC), (), ())
    assert render_text(empty).endswith("Nothing was looked at.\n")


def test_the_next_step_after_a_failure_is_to_look_again(scan: Scan) -> None:
    target = msgspec.structs.replace(scan.targets[0], state=LookState.THROTTLED)
    text = render_text(Scan(scan.started_at, (target,), ()))
    assert "`mfl-lint doctor` checks the set-up" in text
