import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.builders import image, index, place
from tests.cli.conftest import Command
from tests.fault_registry import FaultRegistry

AMD64 = image("linux", "amd64")
WRONG = index(AMD64, AMD64, annotate={1: {"platform": "linux/arm64"}})


@pytest.fixture
def target(served: FaultRegistry) -> str:
    """Return a reference with a finding."""
    place(served.demo, "team/app", WRONG, "v1")
    return f"{served.host}/team/app:v1"


def test_several_reports_are_written_at_once(target: str, command: Command, tmp_path: Path) -> None:
    sarif, junit = tmp_path / "out.sarif", tmp_path / "out.xml"
    both = ("--format", f"sarif={sarif}", "--format", f"junit={junit}")
    ran = command("scan", target, *both, "--format", "text")
    plain = command("scan", target)
    assert (1, plain.out) == (ran.code, ran.out)
    run = json.loads(sarif.read_text())["runs"][0]
    assert "MFL101" in {result["ruleId"] for result in run["results"]}
    assert 1 == run["invocations"][0]["exitCode"]
    assert "1" == ElementTree.parse(junit).getroot().get("failures")


def test_files_alone_leave_the_output_empty(target: str, command: Command, tmp_path: Path) -> None:
    ran = command("scan", target, "--format", f"csv={tmp_path / 'x=y.csv'}")
    assert (1, "", "") == (ran.code, ran.out, ran.err)
    assert (tmp_path / "x=y.csv").exists()


def test_o_is_the_file_of_the_one_report(target: str, command: Command, tmp_path: Path) -> None:
    ran = command("scan", target, "--format", "gitlab", "-o", str(tmp_path / "report.json"))
    assert (1, "") == (ran.code, ran.out)
    assert json.loads((tmp_path / "report.json").read_text())


def test_fail_on_says_what_junit_calls_a_failure(target: str, command: Command) -> None:
    ran = command("scan", target, "--format", "junit", "--fail-on", "never")
    root = ElementTree.fromstring(ran.out)
    assert (0, "0") == (ran.code, root.get("failures"))
    assert "0" != root.get("skipped")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--format", "text", "--format", "json"), "only one of text and json"),
        (("--format", "csv=a", "--format", "html=a"), "to one file"),
        (("--format", "csv=a", "-o", "b"), "names its file already"),
        (("--format", "csv="), "names no file"),
        (("--format", "yaml=x"), "'yaml' is none of text, json, sarif"),
        (("--format", "sarif=none/x"), "--format sarif=none/x: the directory none does not exist"),
        (("--format", "sarif=/proc/x"), "--format sarif=/proc/x: "),
        (("--format", "html=/"), "--format html=/: it is a directory"),
    ],
)
def test_what_cannot_be_written_is_one_line_before_anything_is_looked_at(
    arguments: tuple[str, ...], said: str, served: FaultRegistry, command: Command
) -> None:
    ran = command("scan", f"{served.host}/team/app:v1", *arguments)
    assert (2, "", 1) == (ran.code, ran.out, ran.err.count("\n"))
    assert said in ran.err
    assert [] == served.requests
