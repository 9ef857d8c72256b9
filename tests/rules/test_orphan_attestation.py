from __future__ import annotations

from mfl_lint.core.rule import Outcome
from mfl_lint.rules.orphan_attestation import orphan_attestation as rule
from tests.builders import attestation, image, index
from tests.rules.cases import judged, only, outcome

AMD64 = image("linux", "amd64")
ARM64 = image("linux", "arm64")
OTHER = image("linux", "amd64", name="other")
FAILING = judged(rule, index(AMD64, ARM64, attestation(AMD64), attestation(OTHER)))
PASSING = judged(rule, index(AMD64, ARM64, attestation(AMD64), attestation(ARM64)))


def test_an_attestation_has_to_belong_to_an_entry_of_the_index() -> None:
    finding = only(FAILING)
    assert ("warning", 3) == (finding.severity, finding.position)
    assert OTHER.digest in finding.message


def test_an_attestation_that_names_no_digest_is_left_alone() -> None:
    names = {"annotations": {"vnd.docker.reference.type": "attestation-manifest"}}
    built = index(AMD64, attestation(OTHER), annotate={1: names})
    assert Outcome.PASS == outcome(judged(rule, built))
