import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import msgspec

from mfl_lint import __version__
from mfl_lint.core.scan import Scan
from mfl_lint.report.json_v1 import ReportV1, render_json, schema

PUBLISHED = Path(__file__).resolve().parents[2] / "docs" / "schema" / "scan-v1.json"


def test_the_published_schema_is_the_codes() -> None:
    assert schema() == json.loads(PUBLISHED.read_text())


def test_the_report_is_the_golden_one(scan: Scan, golden: Callable[[str, str], None]) -> None:
    golden("scan.json", render_json(scan).replace(__version__, "VERSION"))


def test_the_report_validates(scan: Scan) -> None:
    text = render_json(scan, ignored=3)
    jsonschema.validate(json.loads(text), json.loads(PUBLISHED.read_text()))
    assert 3 == msgspec.json.decode(text, type=ReportV1).summary.ignored


def test_the_keys_are_those_that_were_promised(scan: Scan) -> None:
    report = json.loads(render_json(scan))
    assert {"version", "tool", "started_at", "targets", "findings", "summary"} <= report.keys()
    target = {"reference", "digest", "media_type", "state", "platforms"}
    assert target <= report["targets"][0].keys()
    platform = {"platform", "digest", "size", "state"}
    assert platform == report["targets"][0]["platforms"][0].keys()
    finding = "rule slug severity reference digest platform message fix fingerprint"
    assert {*finding.split()} <= report["findings"][0].keys()
    assert {"error", "warning", "info", "unknown"} <= report["summary"].keys()


def test_findings_name_their_target(scan: Scan) -> None:
    report = json.loads(render_json(scan))
    names = {target["reference"] for target in report["targets"]}
    assert report["findings"][0]["reference"] in names


def test_hostile_text_is_ascii_and_strictly_valid(scan: Scan) -> None:
    hostile = "\x1b\x9b\u202e\ud800\n::set-env\x7f##[x]"
    target = msgspec.structs.replace(scan.targets[0], detail=hostile, reference="", canonical="a")
    text = render_json(Scan(scan.started_at, (target,), (), (hostile,)))
    assert text.isascii()
    assert text.replace("\n", "").isprintable()
    assert "##[" not in text
    said = msgspec.json.decode(text, type=ReportV1).problems[0]
    assert hostile.replace("\ud800", "�") == said
