from __future__ import annotations

import pytest

from mfl_lint.core.digest import digest_of
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Policy
from mfl_lint.core.rule import Outcome
from mfl_lint.rules.platform_missing import platform_missing as rule
from tests.builders import DOCKER, artifact, attestation, image, index
from tests.rules.cases import AMD64 as AMD64_HOST
from tests.rules.cases import DENIED, judged, only, outcome, severities

AMD64 = image("linux", "amd64")
ARM64 = image("linux", "arm64")
FAILING = judged(rule, index(AMD64, ARM64, annotate={1: {"platform": None}}))
PASSING = judged(rule, index(AMD64, ARM64))


def test_it_is_a_warning_where_the_config_fits_whoever_finds_nothing_else() -> None:
    finding = only(FAILING)
    assert "warning" == finding.severity
    assert "its config says linux/arm64" in finding.message
    assert (
        f"annotate --os linux --arch arm64 test/team/app:latest test/team/app@{ARM64.digest}"
        in (finding.fix)
    )


def test_it_is_an_error_where_a_host_then_gets_a_wrong_image() -> None:
    built = index(AMD64, image("linux", "s390x"), annotate={1: {"platform": None}})
    finding = only(judged(rule, built))
    assert "error" == finding.severity
    taken = "docker-classic on linux/arm64 takes it, finding no other entry"
    assert finding.message.endswith(taken)


def test_it_is_an_error_in_a_docker_list_where_podman_skips_it() -> None:
    images = (image("linux", name, flavour=DOCKER) for name in ("amd64", "arm64"))
    built = index(*images, flavour=DOCKER, annotate={1: {"platform": None}})
    finding = only(judged(rule, built))
    assert "error" == finding.severity
    assert finding.message.endswith("podman on linux/arm64 finds nothing")


def test_it_is_an_error_where_containerd_never_comes_to_read_it() -> None:
    bare = {"platform": None}
    built = index(image("linux", "s390x"), ARM64, annotate={0: bare, 1: bare})
    policy = Policy(hosts=(Platform("linux", "arm64"),))
    findings = judged(rule, built, policy).findings
    assert ["error", "error"] == [finding.severity for finding in findings]
    assert findings[0].message.endswith(
        "docker-classic on linux/arm64 takes it, finding no other entry"
    )
    assert findings[1].message.endswith("docker on linux/arm64 finds nothing")


def test_it_is_a_warning_where_every_host_has_an_entry_of_its_own() -> None:
    built = index(AMD64, ARM64, image("linux", "s390x"), annotate={2: {"platform": None}})
    assert ["warning"] == severities(judged(rule, built))


def test_the_hosts_of_the_policy_decide() -> None:
    built = index(AMD64, image("linux", "s390x"), annotate={1: {"platform": None}})
    assert ["warning"] == severities(judged(rule, built, Policy(hosts=(AMD64_HOST,))))


def test_a_host_runs_lower_levels_of_its_architecture() -> None:
    built = index(image("linux", "arm", "v6"), AMD64, annotate={1: {"platform": None}})
    policy = Policy(hosts=(Platform("linux", "arm", "v7"),))
    assert ["warning"] == severities(judged(rule, built, policy))


@pytest.mark.parametrize(
    ("version", "severity", "told"),
    [
        ("10.0.20348.1", "error", "; docker-classic on windows(10.0.20348)/amd64 finds nothing"),
        ("10.0.26100.1", "warning", ", its config says windows/amd64"),
    ],
)
def test_the_windows_builds_of_the_policy_are_hosts_without_podman(
    version: str, severity: str, told: str
) -> None:
    bare = image("windows", "amd64", os_version=version, flavour=DOCKER)
    built = index(bare, flavour=DOCKER, annotate={0: {"platform": None}})
    policy = Policy(hosts=(), windows_builds=("10.0.20348",))
    finding = only(judged(rule, built, policy))
    assert severity == finding.severity
    assert finding.message.endswith(told)


def test_an_empty_os_or_architecture_is_missing_too() -> None:
    changes = {
        0: {"platform": {"os": "", "architecture": "amd64"}},
        1: {"platform": {"os": "linux", "architecture": ""}},
    }
    findings = judged(rule, index(AMD64, ARM64, annotate=changes)).findings
    messages = sorted(finding.message for finding in findings)
    assert "has no architecture" in messages[0] + messages[1]
    assert "has no os" in messages[0] + messages[1]


def test_it_is_unknown_where_only_an_unseen_config_could_tell_how_bad_it_is() -> None:
    looks = {digest_of(ARM64.config): DENIED}
    built = index(AMD64, ARM64, annotate={1: {"platform": None}})
    judgement = judged(rule, built, looks=looks)
    assert (Outcome.UNKNOWN, ()) == (outcome(judgement), judgement.findings)


def test_an_unseen_config_does_not_matter_where_every_entry_has_a_platform() -> None:
    looks = {digest_of(ARM64.config): DENIED}
    assert Outcome.PASS == outcome(judged(rule, index(AMD64, ARM64), looks=looks))


def test_attestations_and_artifacts_need_no_platform() -> None:
    chart = artifact("application/vnd.cncf.helm.config.v1+json", "text/plain", b"chart")
    built = index(AMD64, ARM64, attestation(AMD64), chart, annotate={2: {"platform": None}})
    assert Outcome.PASS == outcome(judged(rule, built))
