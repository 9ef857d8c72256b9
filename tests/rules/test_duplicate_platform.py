from __future__ import annotations

import pytest

from mfl_lint.core.rule import Outcome
from mfl_lint.rules.duplicate_platform import duplicate_platform as rule
from tests.builders import BuiltImage, attestation, image, index
from tests.rules.cases import ABSENT, DENIED, judged, only, outcome, severities
from tests.rules.shell import grouped

ONE = image("linux", "amd64")
OTHER = image("linux", "amd64", name="other")
ARM64 = image("linux", "arm64")
FAILING = judged(rule, index(ONE, ARM64, OTHER))
PASSING = judged(rule, index(ONE, ARM64))


def listing(*images: BuiltImage) -> str:
    return grouped("test/team/app:latest", *(f"test/team/app@{one.digest}" for one in images))


def test_two_images_for_one_platform_are_an_error() -> None:
    finding = only(FAILING)
    assert ("error", "linux/amd64", 2) == (finding.severity, finding.platform, finding.position)
    assert "entries 0 and 2" in finding.message
    assert [
        "# to keep entry 0, what engines take today:",
        listing(ONE, ARM64),
        "# or, to keep entry 2:",
        f"#   {listing(ARM64, OTHER)}",
    ] == finding.fix.split("\n")


def test_the_same_digest_twice_is_a_warning() -> None:
    assert ["warning"] == severities(judged(rule, index(ONE, ONE)))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("linux/arm64", "linux/arm64/v8", ["error"]),
        ("linux/amd64", "linux/x86_64", ["error"]),
        ("linux/arm", "linux/arm/v7", ["error"]),
        ("linux/arm/v6", "linux/arm/v7", []),
        ("linux/amd64", "linux/amd64/v2", []),
    ],
)
def test_platforms_are_the_same_in_their_normal_form(
    first: str, second: str, expected: list[str]
) -> None:
    built = index(ONE, OTHER, annotate={0: {"platform": first}, 1: {"platform": second}})
    assert expected == severities(judged(rule, built))


def test_windows_builds_and_features_tell_entries_apart() -> None:
    platforms = [
        {"os": "windows", "architecture": "amd64", "os.version": "10.0.17763.1"},
        {"os": "windows", "architecture": "amd64", "os.version": "10.0.20348.1"},
        {"os": "windows", "architecture": "amd64", "os.features": ["win32k"]},
    ]
    third = image("linux", "amd64", name="third")
    changes = {position: {"platform": one} for position, one in enumerate(platforms)}
    assert [] == severities(judged(rule, index(ONE, OTHER, third, annotate=changes)))


def test_a_zstd_twin_is_no_duplicate() -> None:
    zstd = {"annotations": {"io.github.containers.compression.zstd": "true"}}
    assert [] == severities(judged(rule, index(ONE, OTHER, annotate={1: zstd})))
    both = index(ONE, OTHER, annotate={0: zstd, 1: zstd})
    assert ["error"] == severities(judged(rule, both))


def test_attestations_are_no_duplicates_of_one_another() -> None:
    built = index(ONE, ARM64, attestation(ONE), attestation(ARM64))
    assert Outcome.PASS == outcome(judged(rule, built))


def test_entries_without_a_platform_are_not_compared() -> None:
    built = index(ONE, ARM64, OTHER, annotate={0: {"platform": None}, 2: {"platform": None}})
    assert Outcome.PASS == outcome(judged(rule, built))


def test_a_twin_that_was_not_seen_is_unknown() -> None:
    judgement = judged(rule, index(ONE, OTHER), looks={OTHER.digest: DENIED})
    assert (Outcome.UNKNOWN, ()) == (outcome(judgement), judgement.findings)


def test_a_twin_that_is_gone_is_the_matter_of_another_rule() -> None:
    assert [] == severities(judged(rule, index(ONE, OTHER), looks={OTHER.digest: ABSENT}))
