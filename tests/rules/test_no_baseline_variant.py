from __future__ import annotations

import pytest

from mfl_lint.core.rule import Outcome
from mfl_lint.rules.no_baseline_variant import no_baseline_variant as rule
from tests.builders import DOCKER, OCI, Flavour, artifact, attestation, image, index
from tests.rules.cases import ABSENT, DENIED, judged, only, outcome, severities

PLAIN, V2, V3 = (image("linux", "amd64", variant) for variant in ("", "v2", "v3"))
ARM64 = image("linux", "arm64")
FAILING = judged(rule, index(V2, V3, ARM64))
PASSING = judged(rule, index(PLAIN, V2, V3, ARM64))


def test_higher_levels_alone_are_an_error_and_the_fix_builds_the_baseline_too() -> None:
    finding = only(FAILING)
    assert "error" == finding.severity
    assert (
        "linux/amd64 is offered as linux/amd64/v2, linux/amd64/v3 only: containerd finds nothing,"
        " podman none"
    ) == finding.message
    assert (
        "docker buildx build --platform linux/amd64,linux/amd64/v2,linux/amd64/v3,linux/arm64"
        " -t test/team/app:latest --push ."
    ) == finding.fix


@pytest.mark.parametrize("baseline", ["linux/amd64/v1", "linux/x86_64"])
def test_the_baseline_may_be_spelt_otherwise(baseline: str) -> None:
    built = index(V3, PLAIN, annotate={1: {"platform": baseline}})
    assert [] == severities(judged(rule, built))


def test_a_386_image_is_what_containerd_takes_instead() -> None:
    finding = only(judged(rule, index(V2, image("linux", "386"))))
    assert "containerd takes linux/386, podman none" in finding.message


@pytest.mark.parametrize("flavour", [OCI, DOCKER])
def test_an_entry_without_platform_may_be_the_baseline(flavour: Flavour) -> None:
    built = index(V2, PLAIN, flavour=flavour, annotate={1: {"platform": None}})
    assert [] == severities(judged(rule, built))


def test_an_index_without_amd64_and_other_architectures_levels_are_not_its_business() -> None:
    assert Outcome.PASS == outcome(judged(rule, index(ARM64, image("linux", "arm", "v6"))))


def test_a_variant_that_is_no_level_is_not_its_business() -> None:
    built = index(PLAIN, annotate={0: {"platform": "linux/amd64/v8"}})
    assert [] == severities(judged(rule, built))


def test_attestations_and_artifacts_are_not_counted() -> None:
    chart = artifact("application/vnd.cncf.helm.config.v1+json", "text/plain", b"chart")
    built = index(PLAIN, attestation(PLAIN), chart, annotate={2: {"platform": "linux/amd64/v2"}})
    assert [] == severities(judged(rule, built))


def test_a_baseline_that_is_listed_and_gone_is_another_rules_business() -> None:
    seen = judged(rule, index(PLAIN, V2), looks={PLAIN.digest: ABSENT})
    assert [] == severities(seen)


def test_it_is_unknown_where_no_amd64_image_was_seen() -> None:
    looks = {V2.digest: DENIED, V3.digest: DENIED}
    judgement = judged(rule, index(V2, V3, ARM64), looks=looks)
    assert (Outcome.UNKNOWN, ()) == (outcome(judgement), judgement.findings)


def test_it_is_unknown_where_an_entry_without_platform_may_be_the_baseline() -> None:
    built = index(V2, PLAIN, annotate={1: {"platform": None}})
    assert Outcome.UNKNOWN == outcome(judged(rule, built, looks={PLAIN.digest: DENIED}))
