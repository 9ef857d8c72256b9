from __future__ import annotations

from mfl_lint.core.rule import Outcome
from mfl_lint.rules.unknown_platform import unknown_platform as rule
from tests.builders import attestation, image, index
from tests.rules.cases import DENIED, judged, only, outcome

AMD64 = image("linux", "amd64")
ARM64 = image("linux", "arm64")
FAILING = judged(rule, index(AMD64, ARM64, annotate={1: {"platform": "unknown/unknown"}}))
PASSING = judged(rule, index(AMD64, ARM64))


def test_an_image_must_not_be_listed_as_unknown() -> None:
    finding = only(FAILING)
    assert ("warning", 1) == (finding.severity, finding.position)
    assert "its config says linux/arm64" in finding.message
    assert "--os linux --arch arm64" in finding.fix


def test_attestations_are_never_flagged() -> None:
    assert Outcome.PASS == outcome(judged(rule, index(AMD64, attestation(AMD64))))


def test_in_toto_layers_make_an_attestation_without_annotations() -> None:
    built = index(AMD64, attestation(AMD64), annotate={1: {"annotations": None}})
    assert Outcome.PASS == outcome(judged(rule, built))


def test_an_unknown_entry_that_was_not_seen_may_be_either() -> None:
    built = index(AMD64, ARM64, annotate={1: {"platform": "unknown/unknown"}})
    assert Outcome.UNKNOWN == outcome(judged(rule, built, looks={ARM64.digest: DENIED}))
