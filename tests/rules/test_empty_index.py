from __future__ import annotations

from mfl_lint.core.rule import Outcome
from mfl_lint.rules.empty_index import empty_index as rule
from tests.builders import artifact, attestation, image, index
from tests.rules.cases import ABSENT, DENIED, judged, only, outcome

AMD64 = image("linux", "amd64")
FAILING = judged(rule, index())
PASSING = judged(rule, index(AMD64, attestation(AMD64)))


def test_an_index_without_entries_is_empty() -> None:
    finding = only(FAILING)
    assert ("error", "the index has no entries") == (finding.severity, finding.message)


def test_an_index_of_attestations_alone_is_empty() -> None:
    built = index(attestation(AMD64), attestation(image("linux", "arm64")))
    assert "the index has only 2 attestations" == only(judged(rule, built)).message


def test_an_image_that_is_gone_or_hidden_still_was_an_entry() -> None:
    for look in (ABSENT, DENIED):
        judgement = judged(rule, index(AMD64), looks={AMD64.digest: look})
        assert () == judgement.findings


def test_an_index_of_artifacts_is_not_judged() -> None:
    chart = artifact("application/vnd.cncf.helm.config.v1+json", "text/plain", b"chart")
    assert Outcome.NOT_APPLICABLE == outcome(judged(rule, index(chart)))
    named = index(artifactType="application/vnd.example")
    assert Outcome.NOT_APPLICABLE == outcome(judged(rule, named))


def test_a_list_of_referrers_may_be_empty() -> None:
    judgement = judged(rule, index(), tag=f"sha256-{'a' * 64}")
    assert (Outcome.NOT_APPLICABLE, ()) == (outcome(judgement), judgement.findings)
