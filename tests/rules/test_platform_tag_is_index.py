from __future__ import annotations

from mfl_lint.core.rule import Outcome
from mfl_lint.rules.platform_tag_is_index import platform_tag_is_index as rule
from tests.builders import artifact, attestation, image, index
from tests.rules.cases import judged, only, outcome

AMD64 = image("linux", "amd64")
LONE = index(AMD64, attestation(AMD64))
FAILING = judged(rule, LONE, tag="v1-amd64")
PASSING = judged(rule, AMD64, tag="v1-amd64")


def test_the_message_counts_the_attestations() -> None:
    finding = only(FAILING)
    assert ("warning", None) == (finding.severity, finding.position)
    assert "v1-amd64 is an index with 2 entries, 1 of them attestations, not an image" == (
        finding.message
    )


def test_the_fix_builds_without_attestations() -> None:
    assert "--platform linux/amd64 --provenance=false --sbom=false -t" in only(FAILING).fix


def test_a_tag_without_a_platform_may_be_an_index() -> None:
    assert Outcome.PASS == outcome(judged(rule, LONE, tag="v1"))


def test_an_index_of_artifacts_is_not_judged() -> None:
    chart = artifact("application/vnd.cncf.helm.config.v1+json", "text/plain", b"chart")
    judgement = judged(rule, index(chart), tag="v1-amd64")
    assert Outcome.NOT_APPLICABLE == outcome(judgement)
