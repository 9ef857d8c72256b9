from __future__ import annotations

import pytest

from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Policy
from mfl_lint.core.rule import Outcome
from mfl_lint.rules.engines_disagree import engines_disagree as rule
from tests.builders import DOCKER, artifact, attestation, image, index
from tests.rules.cases import DENIED, judged, only, outcome, severities

AMD64, V3, ARM64 = image("linux", "amd64"), image("linux", "amd64", "v3"), image("linux", "arm64")
BARE = {"platform": None}
ZSTD = {"annotations": {"io.github.containers.compression.zstd": "true"}}
FAILING = judged(rule, index(AMD64, V3, ARM64))
PASSING = judged(rule, index(AMD64, ARM64))


def test_only_docker_takes_a_higher_level() -> None:
    finding = only(FAILING)
    assert ("warning", "linux/amd64") == (finding.severity, finding.subject)
    assert (
        "on linux/amd64/v3 docker and docker-classic take entry 1 (linux/amd64/v3), containerd and"
        " podman take entry 0 (linux/amd64)"
    ) == finding.message
    first = "mfl-lint select test/team/app:latest --platform linux/amd64/v3 --explain"
    assert ["# to see why:", first] == finding.fix.split("\n")[:2]


def test_a_spelling_that_podman_does_not_translate() -> None:
    built = index(AMD64, ARM64, annotate={1: {"platform": "linux/aarch64"}})
    assert only(judged(rule, built)).message.endswith(", podman finds nothing")


def test_an_entry_without_platform_that_podman_skips_in_a_docker_list() -> None:
    images = [image("linux", name, flavour=DOCKER) for name in ("amd64", "arm64")]
    built = index(*images, flavour=DOCKER, annotate={1: BARE})
    message = "on linux/arm64 docker and docker-classic and containerd take entry 1 (no platform)"
    assert only(judged(rule, built)).message.startswith(message)


@pytest.mark.parametrize("fallback", ["arm", "386"])
def test_a_32_bit_image_that_podman_does_not_fall_back_to_is_info(fallback: str) -> None:
    finding = only(judged(rule, index(image("linux", fallback))))
    assert "info" == finding.severity
    assert finding.message.endswith("podman finds nothing")


def test_a_32_bit_image_in_place_of_a_higher_level_is_a_warning() -> None:
    built = index(V3, image("linux", "386"), ARM64)
    finding = only(judged(rule, built))
    assert "warning" == finding.severity
    assert "containerd takes entry 1 (linux/386)" in finding.message


def test_zstd_beside_gzip_is_one_image() -> None:
    packed = image("linux", "amd64", name="packed")
    assert [] == severities(judged(rule, index(AMD64, packed, ARM64, annotate={1: ZSTD})))


def test_two_other_images_for_one_platform_are_taken_alike() -> None:
    again = image("linux", "amd64", name="again")
    assert [] == severities(judged(rule, index(AMD64, again, ARM64)))


def test_buildx_writes_v8_or_not_and_attestations_and_nobody_disagrees() -> None:
    built = index(
        AMD64, ARM64, attestation(AMD64), attestation(ARM64),
        annotate={1: {"platform": "linux/arm64/v8"}},
    )  # fmt: skip
    assert [] == severities(judged(rule, built))


def test_an_artifact_beside_the_images_is_nobodys_choice() -> None:
    chart = artifact("application/vnd.cncf.helm.config.v1+json", "text/plain", b"chart")
    assert [] == severities(judged(rule, index(AMD64, chart, annotate={1: BARE})))


def test_only_the_hosts_of_the_policy_count() -> None:
    policy = Policy(hosts=(Platform("linux", "s390x"),))
    assert [] == severities(judged(rule, index(AMD64, V3, ARM64), policy))
    policy = Policy(hosts=(Platform("linux", "amd64", "v2"),))
    assert [] == severities(judged(rule, index(AMD64, V3, ARM64), policy))


def test_the_windows_builds_of_the_policy_are_hosts_and_podman_runs_none() -> None:
    builds = ("10.0.20348", "10.0.26100")
    images = [image("windows", "amd64", os_version=f"{build}.1") for build in builds]
    finding = only(judged(rule, index(*images), Policy(windows_builds=builds)))
    assert "windows(10.0.26100)/amd64" == finding.subject
    assert "docker takes entry 0" in finding.message
    assert "docker-classic and containerd take entry 1" in finding.message
    assert "podman" not in finding.message
    newest_first = index(*reversed(images))
    assert [] == severities(judged(rule, newest_first, Policy(windows_builds=builds)))


def test_it_is_unknown_where_a_config_would_decide() -> None:
    built = index(AMD64, ARM64, annotate={1: BARE})
    judgement = judged(rule, built, looks={ARM64.digest: DENIED})
    assert (Outcome.UNKNOWN, ()) == (outcome(judgement), judgement.findings)


def test_a_host_that_is_unknown_hides_no_other() -> None:
    built = index(AMD64, V3, ARM64, annotate={2: BARE})
    judgement = judged(rule, built, looks={ARM64.digest: DENIED})
    assert (Outcome.UNKNOWN, 1) == (outcome(judgement), len(judgement.findings))
