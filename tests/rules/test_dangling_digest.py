from __future__ import annotations

import pytest

from mfl_lint.core.observation import Look, LookState
from mfl_lint.core.policy import Policy, Requirement
from mfl_lint.core.rule import Outcome
from mfl_lint.rules.dangling_digest import dangling_digest as rule
from tests.builders import attestation, image, index
from tests.rules.cases import ABSENT, ARM64, judged, only, outcome, severities

ONE = image("linux", "amd64")
GONE = image("linux", "arm64")
FAILING = judged(rule, index(ONE, GONE), looks={GONE.digest: ABSENT})
PASSING = judged(rule, index(ONE, GONE))


def test_the_message_names_the_platform_and_the_digest() -> None:
    finding = only(FAILING)
    assert ("error", "linux/arm64", 1) == (finding.severity, finding.platform, finding.position)
    assert f"linux/arm64 points at {GONE.digest}" in finding.message


def test_the_fix_pushes_it_again_or_drops_the_entry() -> None:
    fix = only(FAILING).fix
    assert "buildx build --platform linux/amd64,linux/arm64 -t test/team/app:latest" in fix
    assert f"@{ONE.digest}" in fix
    assert f"@{GONE.digest}" not in fix


@pytest.mark.parametrize(
    "state",
    [LookState.DENIED, LookState.THROTTLED, LookState.UNREACHABLE, LookState.INVALID],
)
def test_failing_to_look_makes_nothing_dangling(state: LookState) -> None:
    judgement = judged(rule, index(ONE, GONE), looks={GONE.digest: Look(state, "why")})
    assert (Outcome.UNKNOWN, ()) == (outcome(judgement), judgement.findings)
    assert f"linux/arm64: {state}: why" == judgement.verdicts[0].detail


def test_an_attestation_that_is_gone_is_a_warning() -> None:
    proof = attestation(ONE)
    judgement = judged(rule, index(ONE, proof), looks={proof.digest: ABSENT})
    assert ["warning"] == severities(judgement)


def test_a_nested_index_that_is_gone_is_an_error() -> None:
    inner = index(GONE)
    judgement = judged(rule, index(ONE, inner), looks={inner.digest: ABSENT})
    assert ["error"] == severities(judgement)


def test_a_sparse_registry_may_leave_platforms_out_that_nobody_requires() -> None:
    built, looks = index(ONE, GONE), {GONE.digest: ABSENT}
    policy = Policy(requirements=(Requirement((ARM64,), tags=("v*",)),))
    told = {
        tag: severities(judged(rule, built, policy, tag=tag, looks=looks, sparse=True))
        for tag in ("latest", "v1")
    }
    assert {"latest": ["info"], "v1": ["error"]} == told


def test_blob_entries_are_never_asked_for() -> None:
    cache = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "size": 1}
    cache["digest"] = f"sha256:{'a' * 64}"
    assert Outcome.PASS == outcome(judged(rule, index(ONE, cache)))
