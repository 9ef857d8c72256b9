from __future__ import annotations

from mfl_lint.core.rule import Outcome
from mfl_lint.rules.shadowed_entry import shadowed_entry as rule
from tests.builders import attestation, image, index
from tests.rules.cases import ABSENT, DENIED, judged, only, outcome, severities
from tests.rules.shell import grouped

ONE, OTHER = image("linux", "amd64"), image("linux", "amd64", name="other")
ARM64, V7 = image("linux", "arm64"), image("linux", "arm", "v7")
ZSTD = {"annotations": {"io.github.containers.compression.zstd": "true"}}
FAILING = judged(rule, index(ONE, ARM64, OTHER))
PASSING = judged(rule, index(ONE, ARM64))


def test_the_second_image_for_a_platform_runs_nowhere() -> None:
    finding = only(FAILING)
    assert ("info", 2, "linux/amd64") == (finding.severity, finding.position, finding.platform)
    assert finding.message.endswith("is never taken: every engine takes entry 0 there")
    names = (f"test/team/app@{one.digest}" for one in (ONE, ARM64))
    assert grouped("test/team/app:latest", *names) == finding.fix


def test_the_same_digest_twice_shadows_nothing() -> None:
    assert [] == severities(judged(rule, index(ONE, ONE)))


def test_levels_and_variants_are_each_taken_by_somebody() -> None:
    levels = [image("linux", "amd64", f"v{level}") for level in (4, 3, 2)]
    assert [] == severities(judged(rule, index(*levels, ONE, V7, image("linux", "arm", "v6"))))


def test_gzip_before_zstd_is_taken_by_docker_and_zstd_by_podman() -> None:
    assert [] == severities(judged(rule, index(ONE, OTHER, annotate={1: ZSTD})))


def test_gzip_behind_zstd_is_never_taken() -> None:
    assert 1 == only(judged(rule, index(ONE, OTHER, annotate={0: ZSTD}))).position


def test_an_explicit_variant_that_first_match_can_ask_for_is_reached() -> None:
    v7 = image("linux", "arm", "v7", name="explicit")
    built = index(V7, v7, annotate={0: {"platform": "linux/arm"}})
    assert [] == severities(judged(rule, built))


def test_a_newer_revision_of_windows_is_reached_by_containerd_only_if_its_text_is_higher() -> None:
    old, new = (image("windows", "amd64", os_version=f"10.0.20348.{n}") for n in ("100", "2402"))
    assert [] == severities(judged(rule, index(old, new)))
    assert 1 == only(judged(rule, index(new, old))).position


def test_attestations_and_entries_without_platform_are_not_judged() -> None:
    built = index(
        ONE, attestation(ONE), attestation(OTHER), OTHER, annotate={3: {"platform": None}}
    )
    assert [] == severities(judged(rule, built))


def test_an_entry_that_was_not_seen_may_be_an_image_that_runs_nowhere() -> None:
    judgement = judged(rule, index(ONE, OTHER), looks={OTHER.digest: DENIED})
    assert (Outcome.UNKNOWN, ()) == (outcome(judgement), judgement.findings)
    first = judged(rule, index(ONE, OTHER), looks={ONE.digest: DENIED})
    assert (Outcome.FAIL, 1) == (outcome(first), only(first).position)
    gone = judged(rule, index(ONE, OTHER), looks={OTHER.digest: ABSENT})
    assert Outcome.PASS == outcome(gone)


def test_it_is_unknown_where_no_image_was_seen() -> None:
    looks = {ONE.digest: DENIED, OTHER.digest: DENIED}
    judgement = judged(rule, index(ONE, OTHER), looks=looks)
    assert (Outcome.UNKNOWN, ()) == (outcome(judgement), judgement.findings)
