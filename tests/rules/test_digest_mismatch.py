from __future__ import annotations

from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.observation import Look, LookState, Observation
from mfl_lint.core.reference import Reference
from mfl_lint.core.rule import Outcome
from mfl_lint.rules.digest_mismatch import digest_mismatch as rule
from tests.builders import LOOKED_AT, image, index
from tests.rules.cases import DENIED, judged, judged_observation, only, outcome

AMD64 = image("linux", "amd64")
ARM64 = image("linux", "arm64")
OTHER = Digest(f"sha256:{'b' * 64}")
FALSE = Look(LookState.INVALID, "another digest", mismatch=OTHER)
FAILING = judged(rule, index(AMD64, ARM64), looks={ARM64.digest: FALSE})
PASSING = judged(rule, index(AMD64, ARM64))


def test_the_message_names_both_digests() -> None:
    finding = only(FAILING)
    assert ("error", 1) == (finding.severity, finding.position)
    assert ARM64.digest in finding.message
    assert OTHER in finding.message
    assert Outcome.FAIL == outcome(FAILING)


def test_a_config_is_judged_as_well() -> None:
    looks = {digest_of(AMD64.config): FALSE}
    assert "the config sha256:" in only(judged(rule, AMD64, looks=looks)).message


def test_a_digest_that_was_asked_for_itself_is_judged_too() -> None:
    reference = Reference("test", "team/app", digest=AMD64.digest)
    judgement = judged_observation(rule, Observation("test", reference, LOOKED_AT, FALSE))
    finding = only(judgement)
    assert (AMD64.digest, AMD64.digest) == (finding.digest, finding.tag)


def test_a_body_that_was_cut_is_unknown() -> None:
    looks = {ARM64.digest: Look(LookState.INVALID, "the body was cut")}
    judgement = judged(rule, index(AMD64, ARM64), looks=looks)
    assert (Outcome.UNKNOWN, ()) == (outcome(judgement), judgement.findings)


def test_what_was_denied_is_unknown() -> None:
    judgement = judged(rule, index(AMD64, ARM64), looks={ARM64.digest: DENIED})
    assert Outcome.UNKNOWN == outcome(judgement)
