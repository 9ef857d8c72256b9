from __future__ import annotations

from mfl_lint.core.rule import Outcome
from mfl_lint.rules.size_mismatch import size_mismatch as rule
from tests.builders import OCI, attestation, describe, image, index
from tests.rules.cases import ABSENT, judged, only, outcome

AMD64 = image("linux", "amd64")
ARM64 = image("linux", "arm64")
WRONG = {1: {"size": len(ARM64.raw) + 1}}
FAILING = judged(rule, index(AMD64, ARM64, annotate=WRONG))
PASSING = judged(rule, index(AMD64, ARM64))


def test_the_message_names_both_sizes() -> None:
    finding = only(FAILING)
    assert ("error", 1) == (finding.severity, finding.position)
    assert f"says {len(ARM64.raw) + 1} bytes" in finding.message
    assert f"it has {len(ARM64.raw)}" in finding.message


def test_the_size_of_a_config_is_judged_too() -> None:
    config = describe(OCI.value[2], AMD64.config) | {"size": 1}
    finding = only(judged(rule, image("linux", "amd64", manifest={"config": config})))
    assert "1 bytes for its config" in finding.message


def test_attestations_are_documents_as_well() -> None:
    built = index(AMD64, attestation(AMD64), annotate={1: {"size": 1}})
    assert 1 == only(judged(rule, built)).position


def test_a_size_that_is_none_is_the_matter_of_another_rule() -> None:
    built = index(AMD64, ARM64, annotate={0: {"size": None}, 1: {"size": -1}})
    assert Outcome.PASS == outcome(judged(rule, built))


def test_a_child_that_is_absent_has_no_size() -> None:
    judgement = judged(rule, index(AMD64, ARM64, annotate=WRONG), looks={ARM64.digest: ABSENT})
    assert Outcome.PASS == outcome(judgement)
