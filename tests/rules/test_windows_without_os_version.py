from __future__ import annotations

import pytest

from mfl_lint.core.policy import Policy
from mfl_lint.core.rule import Outcome
from mfl_lint.rules.windows_without_os_version import windows_without_os_version as rule
from tests.builders import image, index
from tests.rules.cases import DENIED, judged, only, outcome, severities

OLD = image("windows", "amd64", os_version="10.0.17763.6775")
NEW = image("windows", "amd64", os_version="10.0.20348.3091")
PLAIN = {"os": "windows", "architecture": "amd64"}
FAILING = judged(rule, index(image("linux", "amd64"), NEW, annotate={1: {"platform": PLAIN}}))
PASSING = judged(rule, index(image("linux", "amd64"), OLD, NEW))


def test_a_windows_entry_needs_a_build() -> None:
    finding = only(FAILING)
    assert ("warning", 1, "windows/amd64") == (
        finding.severity,
        finding.position,
        finding.platform,
    )


def test_the_build_comes_from_the_config_or_from_a_new_image() -> None:
    assert only(FAILING).fix.startswith("docker manifest create ")
    silent = image("windows", "amd64")
    assert only(judged(rule, index(silent))).fix.startswith("docker buildx build ")


def test_a_linux_entry_needs_none() -> None:
    assert [] == severities(judged(rule, index(image("linux", "amd64"))))


@pytest.mark.parametrize(
    ("host", "container", "runs"),
    [
        ("10.0.17763", "10.0.17763", True),
        ("10.0.17763", "10.0.20348", False),
        ("10.0.20348", "10.0.17763", False),
        ("10.0.20348", "10.0.20348.3091", True),
        ("10.0.22621", "10.0.17763", False),
        ("10.0.22621", "10.0.20348", True),
        ("10.0.25398", "10.0.20348", True),
        ("10.0.26100", "10.0.20348", True),
        ("10.0.26100", "10.0.22621", True),
        ("10.0.20348", "10.0.26100", False),
        ("10.0.20348", "10.0.22621", False),
        ("20348", "10.0.20348.1", True),
        ("10.0.20348", "nonsense", False),
    ],
)
def test_a_host_runs_what_is_compatible_with_its_build(
    host: str, container: str, runs: bool
) -> None:
    built = index(image("windows", "amd64", os_version=container))
    expected = [] if runs else ["error"]
    assert expected == severities(judged(rule, built, Policy(windows_builds=(host,))))


def test_each_host_build_without_an_entry_is_a_finding_of_its_own() -> None:
    policy = Policy(windows_builds=("10.0.14393", "10.0.17763", "10.0.20348"))
    findings = judged(rule, index(NEW), policy).findings
    assert ["windows 10.0.14393", "windows 10.0.17763"] == [item.subject for item in findings]


def test_an_index_without_windows_has_nothing_to_do_with_windows_hosts() -> None:
    policy = Policy(windows_builds=("10.0.17763",))
    assert [] == severities(judged(rule, index(image("linux", "amd64")), policy))


def test_a_windows_entry_that_was_not_seen_is_unknown() -> None:
    policy = Policy(windows_builds=("10.0.17763",))
    judgement = judged(rule, index(OLD, NEW), policy, looks={OLD.digest: DENIED})
    assert (Outcome.UNKNOWN, ()) == (outcome(judgement), judgement.findings)
