import json
from collections.abc import Callable
from pathlib import PurePosixPath

from mfl_lint.report.gitlab import render_gitlab
from mfl_lint.report.material import Material


def test_the_report_is_the_golden_one(
    material: Material, golden: Callable[[str, str], None]
) -> None:
    golden("scan.gitlab.json", render_gitlab(material))


def test_each_entry_has_what_gitlab_demands(material: Material) -> None:
    issues = json.loads(render_gitlab(material))
    for issue in issues:
        keys = {"description", "check_name", "fingerprint", "severity", "location"}
        assert keys == issue.keys()
        assert issue["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert isinstance(issue["location"]["lines"]["begin"], int)
        assert not PurePosixPath(issue["location"]["path"]).is_absolute()
    marks = [issue["fingerprint"] for issue in issues if issue["check_name"] != "MFL213"]
    assert len(set(marks)) >= len(marks) - 1


def test_a_finding_is_told_at_each_of_its_places_and_what_was_not_seen_too(
    material: Material,
) -> None:
    told = json.loads(render_gitlab(material))
    places = [x["location"]["path"] for x in told if "app:bad" in x["description"]]
    assert ["deploy/app.yaml", "compose.yaml", "deploy/app.yaml"] == places
    assert 4 == sum(issue["check_name"] == "could-not-look" for issue in told)
