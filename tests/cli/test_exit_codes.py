from datetime import UTC, datetime

import msgspec
import pytest

from mfl_lint.cli.exit_codes import THRESHOLDS, exit_code
from mfl_lint.core.observation import LookState
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Finding, Outcome, RuleVerdict
from mfl_lint.core.scan import Scan, ScannedTarget

TARGET = ScannedTarget("app:1", None, "", LookState.VERIFIED, "", ())


def _scan(*severities: Severity, target: ScannedTarget = TARGET, problem: str = "") -> Scan:
    findings = tuple(
        Finding("MFL000", "x", one, "r", "app", "1", "r/app:1", None, "", None, "", "m", "f", "p")
        for one in severities
    )
    problems = (problem,) if problem else ()
    return Scan(datetime(2026, 1, 1, tzinfo=UTC), (target,), findings, problems)


@pytest.mark.parametrize(
    ("severity", "codes"),
    [
        (Severity.ERROR, [1, 1, 1, 0]),
        (Severity.WARNING, [0, 1, 1, 0]),
        (Severity.INFO, [0, 0, 1, 0]),
    ],
)
def test_the_threshold_decides_what_counts(severity: Severity, codes: list[int]) -> None:
    assert codes == [exit_code(_scan(severity), fail_on) for fail_on in THRESHOLDS]


@pytest.mark.parametrize("state", [state for state in LookState if state != "verified"])
def test_what_was_not_seen_is_never_0(state: LookState) -> None:
    unseen = msgspec.structs.replace(TARGET, state=state)
    assert [3] * 4 == [exit_code(_scan(target=unseen), fail_on) for fail_on in THRESHOLDS]


def test_a_crashed_rule_is_3() -> None:
    crashed = (RuleVerdict("MFL101", Outcome.CRASHED, "ValueError"),)
    assert 3 == exit_code(_scan(target=msgspec.structs.replace(TARGET, undecided=crashed)), "error")


def test_a_listing_that_failed_is_3() -> None:
    assert 3 == exit_code(_scan(problem="no catalogue"), "error")


def test_findings_are_worse_than_not_having_looked() -> None:
    assert 1 == exit_code(_scan(Severity.ERROR, problem="no catalogue"), "error")
    assert 3 == exit_code(_scan(Severity.WARNING, problem="no catalogue"), "error")


def test_nothing_found_is_0() -> None:
    assert 0 == exit_code(_scan(), "info")
