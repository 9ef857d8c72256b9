from collections.abc import Callable
from xml.etree import ElementTree

import msgspec

from mfl_lint.core.policy import Severity
from mfl_lint.core.scan import Scan
from mfl_lint.report.junit import render_junit
from mfl_lint.report.material import Material


def test_the_report_is_the_golden_one(
    material: Material, golden: Callable[[str, str], None]
) -> None:
    golden("scan.junit.xml", render_junit(material))


def test_a_parser_reads_a_suite_for_each_target_and_a_case_for_each_end(
    material: Material,
) -> None:
    root = ElementTree.fromstring(render_junit(material))
    suites = {suite.get("name"): [list(case) for case in suite] for suite in root}
    app = "docker.io/library/app"
    names = [*(f"{app}:{tag}" for tag in ("good", "bad", "fragile", "gone", "down"))]
    assert [*names, app, "mfl-lint"] == list(suites)
    ended = {
        name: [case[0].tag if case else "" for case in cases] for name, cases in suites.items()
    }
    assert [""] == ended[f"{app}:good"]
    assert ["failure", "error"] == ended[f"{app}:bad"]
    assert ["skipped", "skipped"] == ended[f"{app}:fragile"]
    assert ["error"] == ended[f"{app}:gone"] == ended[f"{app}:down"]
    assert ["error", "error"] == ended["mfl-lint"]
    assert ("10", "1", "5", "3") == tuple(
        root.get(name) for name in ("tests", "failures", "errors", "skipped")
    )


def test_what_fails_the_scan_is_a_failure(material: Material) -> None:
    strict = msgspec.structs.replace(material, failing=frozenset(Severity))
    root = ElementTree.fromstring(render_junit(strict))
    assert ("4", "0") == (root.get("failures"), root.get("skipped"))


def test_a_case_has_its_file_and_line(material: Material) -> None:
    root = ElementTree.fromstring(render_junit(material))
    case = root.findall(".//testcase")[1]
    assert ("deploy/app.yaml", "12") == (case.get("file"), case.get("line"))


def test_a_scan_of_nothing_is_valid(scan: Scan) -> None:
    root = ElementTree.fromstring(render_junit(Material(Scan(scan.started_at, (), ()))))
    assert ("0", 0) == (root.get("tests"), len(root))
