import json
from pathlib import Path

import jsonschema
import pytest

from tests.builders import image, index, place
from tests.cli.conftest import QUICK, Command
from tests.fault_registry import AT_INDEX, FaultRegistry
from tests.faults import status

SCHEMA = json.loads(Path(__file__, "../../../docs/schema/scan-v1.json").resolve().read_text())
AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
GOOD = index(AMD64, ARM64)
WRONG = index(AMD64, image("linux", "amd64", name="b"), annotate={1: {"platform": "linux/arm64"}})
FILE = Path("known.json")
ONLY = ("--select", "MFL101,MFL104")


@pytest.fixture
def wrong(served: FaultRegistry) -> str:
    """Return the reference of a list with one error."""
    place(served.demo, "team/app", WRONG, "v1")
    return f"{served.host}/team/app:v1"


def _report(text: str) -> dict[str, object]:
    report = json.loads(text)
    jsonschema.validate(report, SCHEMA)
    return {
        "rules": [finding["rule"] for finding in report["findings"]],
        "known": report["summary"]["known"],
        "notes": report["notes"],
    }


def test_what_is_written_is_known_from_then_on(wrong: str, command: Command) -> None:
    assert 1 == command("scan", wrong, *ONLY).code
    ran = command("scan", wrong, *ONLY, "--write-baseline", str(FILE))
    assert (0, "") == (ran.code, ran.err)
    assert f"1 known from the baseline {FILE}" in ran.out
    (entry,) = json.loads(FILE.read_text())["findings"]
    assert ("MFL101", wrong) == (entry["rule"], entry["reference"])
    ran = command("scan", wrong, *ONLY, "--baseline", str(FILE), "--format", "json")
    note = f"1 known from the baseline {FILE}"
    assert (0, {"rules": [], "known": 1, "notes": [note]}) == (ran.code, _report(ran.out))


def test_it_is_the_same_file_each_time_and_leaves_nothing_beside_it(
    wrong: str, command: Command
) -> None:
    before = set(Path().iterdir())
    command("scan", wrong, "--write-baseline", str(FILE))
    first = FILE.read_bytes()
    command("scan", wrong, "--write-baseline", str(FILE), "--baseline", str(FILE))
    assert first == FILE.read_bytes()
    assert {FILE} == set(Path().iterdir()) - before


def test_a_new_finding_counts(served: FaultRegistry, wrong: str, command: Command) -> None:
    command("scan", wrong, *ONLY, "--write-baseline", str(FILE))
    both = index(
        AMD64,
        image("linux", "amd64", name="b"),
        image("linux", "amd64", name="c"),
        annotate={1: {"platform": "linux/arm64"}, 2: {"platform": "linux/s390x"}},
    )
    place(served.demo, "team/app", both, "v1")
    ran = command("scan", wrong, *ONLY, "--baseline", str(FILE), "--format", "json")
    assert (1, ["MFL101"], 1) == (
        ran.code,
        _report(ran.out)["rules"],
        _report(ran.out)["known"],
    )


def test_every_format_leaves_out_what_is_known(wrong: str, command: Command) -> None:
    command("scan", wrong, *ONLY, "--write-baseline", str(FILE))
    for name in ("text", "sarif", "junit", "github", "gitlab", "markdown", "csv", "html"):
        shown = command("scan", wrong, *ONLY, "--format", name).out
        assert "MFL101" in shown
        ran = command("scan", wrong, *ONLY, "--baseline", str(FILE), "--format", name)
        # Of SARIF and JUnit the rule itself is listed, with no result.
        assert 0 == ran.code
        assert '"ruleId": "MFL101"' not in ran.out
        assert "<failure" not in ran.out
        assert name in ("sarif", "junit") or "MFL101" not in ran.out


def test_what_was_mended_is_said(served: FaultRegistry, wrong: str, command: Command) -> None:
    command("scan", wrong, *ONLY, "--write-baseline", str(FILE))
    place(served.demo, "team/app", GOOD, "v1")
    ran = command("scan", wrong, *ONLY, "--baseline", str(FILE))
    assert 0 == ran.code
    assert f"1 of the baseline {FILE} is mended: write it anew" in ran.out
    assert "mended" not in command("scan", wrong, "--select", "MFL2", "--baseline", str(FILE)).out


def test_what_could_not_be_looked_at_is_not_mended_and_replaces_no_baseline(
    served: FaultRegistry, wrong: str, command: Command
) -> None:
    command("scan", wrong, *ONLY, "--write-baseline", str(FILE))
    first = FILE.read_bytes()
    served.fault(AT_INDEX, status(503))
    ran = command("scan", wrong, *ONLY, "--baseline", str(FILE))
    assert 3 == ran.code
    assert "mended" not in ran.out
    ran = command("scan", wrong, *ONLY, "--write-baseline", str(FILE))
    assert (3, 1) == (ran.code, ran.err.count("\n"))
    assert "the baseline was not written" in ran.err
    assert first == FILE.read_bytes()


def test_an_ignored_finding_is_neither_known_nor_mended(wrong: str, command: Command) -> None:
    command("scan", wrong, *ONLY, "--write-baseline", str(FILE))
    ignore = '[[policy.ignore]]\nrule = "MFL101"\nreason = "so"\n'
    Path("mfl-lint.toml").write_text(QUICK + ignore)
    ran = command("scan", wrong, *ONLY, "--baseline", str(FILE), "--format", "json")
    assert (0, {"rules": [], "known": 0, "notes": []}) == (ran.code, _report(ran.out))


def test_the_settings_may_name_it_beside_themselves(wrong: str, command: Command) -> None:
    command("scan", wrong, *ONLY, "--write-baseline", str(FILE))
    Path("below").mkdir()
    FILE.rename("below/known.json")
    Path("below/s.toml").write_text(f'{QUICK}[scan]\nbaseline = "known.json"\n')
    assert 0 == command("scan", wrong, *ONLY, "--config", "below/s.toml").code


@pytest.mark.parametrize(
    ("option", "path", "said"),
    [
        ("--baseline", "none.json", "--baseline none.json: No such file"),
        ("--baseline", "mfl-lint.toml", "--baseline mfl-lint.toml: this is no baseline"),
        ("--write-baseline", "none/x.json", "--write-baseline none/x.json: the directory none"),
        ("--baseline", ".", "is a directory"),
    ],
)
def test_a_baseline_that_cannot_be_used_is_2_and_one_line(
    option: str, path: str, said: str, served: FaultRegistry, command: Command
) -> None:
    ran = command("scan", f"{served.host}/team/app", option, path)
    assert (2, "", 1, []) == (ran.code, ran.out, ran.err.count("\n"), served.requests)
    assert said in ran.err
