import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from mfl_lint import __version__
from mfl_lint.core.observation import LookState
from mfl_lint.core.scan import Place, Scan
from mfl_lint.report.material import Material
from mfl_lint.report.sarif import MAX_NOTIFICATIONS, MAX_RESULTS, render_sarif
from mfl_lint.rules import discover
from tests.report.conftest import GOLDEN
from tests.report.sarif_schema import SCHEMA, mistakes


def log(material: Material) -> Any:
    """Return the log's run, after the log was found to be what the standard says."""
    value = json.loads(render_sarif(material))
    assert [] == mistakes(value)
    return value["runs"][0]


def test_the_log_is_the_golden_one(material: Material, golden: Callable[[str, str], None]) -> None:
    golden("scan.sarif", render_sarif(material).replace(__version__, "VERSION"))


def test_the_golden_log_is_valid_by_the_schema_of_oasis() -> None:
    assert [] == mistakes(json.loads((GOLDEN / "scan.sarif").read_text(encoding="utf-8")))


def test_the_schema_is_that_of_oasis_and_refuses() -> None:
    assert SCHEMA["id"].startswith("https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/")
    wrong = {"version": "2.1.0", "runs": [{"tool": {"driver": {"title": "x"}}}]}
    assert 2 == len(mistakes(wrong))


def test_the_log_is_valid_with_every_rule_and_with_none(material: Material, scan: Scan) -> None:
    run = log(msgspec.structs.replace(material, rules=tuple(discover())))
    rules = run["tool"]["driver"]["rules"]
    assert [rule.id for rule in discover()] == [rule["id"] for rule in rules]
    assert all(rule["help"]["text"].strip() for rule in rules)
    assert all(rules[item["ruleIndex"]]["id"] == item["ruleId"] for item in run["results"])
    assert [] == log(Material(Scan(scan.started_at, (), ())))["results"]


def test_a_finding_lies_in_its_first_file_and_in_its_reference(material: Material) -> None:
    first = log(material)["results"][0]
    (where,) = first["locations"]
    at = {"uri": "deploy/app.yaml", "uriBaseId": "%SRCROOT%"}
    assert at == where["physicalLocation"]["artifactLocation"]
    assert 12 == where["physicalLocation"]["region"]["startLine"]
    (logical,) = where["logicalLocations"]
    assert "docker.io/library/app:bad linux/arm64" == logical["fullyQualifiedName"]
    other = first["relatedLocations"][0]["physicalLocation"]
    assert "compose.yaml" == other["artifactLocation"]["uri"]


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("./a b.yaml", "a%20b.yaml"),
        ("../x#y?z%.yaml", "../x%23y%3Fz%25.yaml"),
        ("/etc/x.yaml", "file:///etc/x.yaml"),
        ("c:\\x\ud800\n.yaml", "c%3A/x%ED%A0%80%0A.yaml"),
    ],
)
def test_paths_are_uris(path: str, uri: str, material: Material) -> None:
    target = msgspec.structs.replace(material.scan.targets[1], places=(Place(path, 0),))
    scan = msgspec.structs.replace(material.scan, targets=(target,))
    where = log(msgspec.structs.replace(material, scan=scan))["results"][0]["locations"][0]
    assert uri == where["physicalLocation"]["artifactLocation"]["uri"]
    assert 1 == where["physicalLocation"]["region"]["startLine"]


def test_what_was_not_seen_is_said_and_the_run_did_not_succeed(material: Material) -> None:
    (invocation,) = log(material)["invocations"]
    assert (False, 1) == (invocation["executionSuccessful"], invocation["exitCode"])
    told = invocation["toolExecutionNotifications"]
    assert [*["error"] * 5, "note"] == [item["level"] for item in told]
    assert "MFL103" == told[0]["associatedRule"]["id"]
    assert 14 == told[4]["locations"][0]["physicalLocation"]["region"]["startLine"]


def test_a_run_that_only_missed_a_tag_did_not_succeed_either(material: Material) -> None:
    gone = next(x for x in material.scan.targets if x.state is LookState.ABSENT)
    (invocation,) = log(Material(Scan(material.scan.started_at, (gone,), ())))["invocations"]
    assert not invocation["executionSuccessful"]
    assert 1 == len(invocation["toolExecutionNotifications"])


def test_a_run_that_saw_everything_succeeded(material: Material) -> None:
    (invocation,) = log(Material(Scan(material.scan.started_at, (), ())))["invocations"]
    assert invocation["executionSuccessful"]


@pytest.mark.ordeal
def test_too_many_results_are_counted_and_the_worst_stay(material: Material) -> None:
    error, warning = material.scan.findings[:2]
    findings = (*[warning] * (MAX_RESULTS + 5), error)
    scan = msgspec.structs.replace(
        material.scan, findings=findings, problems=("gone",) * (MAX_NOTIFICATIONS + 7)
    )
    made = json.loads(render_sarif(msgspec.structs.replace(material, scan=scan)))["runs"][0]
    assert (MAX_RESULTS, "error") == (len(made["results"]), made["results"][0]["level"])
    told = [
        item["message"]["text"] for item in made["invocations"][0]["toolExecutionNotifications"]
    ]
    assert told[-2].startswith("6 findings were left out")
    assert told[-3].startswith("10 more")
    small = msgspec.structs.replace(scan, findings=findings[:3])
    assert log(msgspec.structs.replace(material, scan=small))


def test_nothing_becomes_a_link_or_a_place_for_an_argument(material: Material) -> None:
    finding = msgspec.structs.replace(
        material.scan.findings[0], message="[here](https://evil.example) {0} \\", fix=""
    )
    scan = msgspec.structs.replace(material.scan, findings=(finding,))
    made = log(msgspec.structs.replace(material, scan=scan))
    text = made["results"][0]["message"]["text"].partition(": ")[2].partition("\n\nFix:")[0]
    assert "\\[here\\](https://evil.example) {{0}} \\\\" == text
