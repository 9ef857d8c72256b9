from __future__ import annotations

from mfl_lint.core.manifest import OCI_INDEX, OCI_MANIFEST
from mfl_lint.core.rule import Outcome
from mfl_lint.rules.ambiguous_document import ambiguous_document as rule
from tests.builders import document, image, index
from tests.rules.cases import judged, only, outcome

AMD64 = image("linux", "amd64")
BOTH = image("linux", "arm64", manifest={"manifests": []})
FAILING = judged(rule, index(AMD64, BOTH))
PASSING = judged(rule, index(AMD64, image("linux", "arm64")))


def test_fields_of_an_index_in_a_manifest_are_ambiguous() -> None:
    finding = only(FAILING)
    assert ("error", 1) == (finding.severity, finding.position)
    assert "manifests" in finding.message


def test_fields_of_a_manifest_in_an_index_are_ambiguous() -> None:
    assert "layers" in only(judged(rule, index(AMD64, layers=[]))).message


def test_the_same_key_twice_is_ambiguous() -> None:
    raw = f'{{"schemaVersion":2,"mediaType":"{OCI_INDEX}","manifests":[],"manifests":[]}}'
    assert "manifests" in only(judged(rule, document(raw, OCI_INDEX))).message


def test_breaches_of_another_kind_are_the_matter_of_another_rule() -> None:
    judgement = judged(rule, document("{}", OCI_MANIFEST))
    assert (Outcome.PASS, ()) == (outcome(judgement), judgement.findings)
