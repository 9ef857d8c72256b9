from __future__ import annotations

from datetime import timedelta

import pytest

from mfl_lint.core.digest import digest_of
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Policy, Requirement
from mfl_lint.core.rule import Outcome
from mfl_lint.lint import judge
from mfl_lint.rules.missing_platform import missing_platform as rule
from tests.builders import LOOKED_AT, artifact, attestation, image, index, observation
from tests.rules.cases import ABSENT, DENIED, UNSEEN, judged, only, outcome

AMD64 = image("linux", "amd64")
ARM64 = image("linux", "arm64")


def requiring(*platforms: str, settle_s: float | None = 3600.0) -> Policy:
    wanted = tuple(Platform.parse(text) for text in platforms)
    return Policy(requirements=(Requirement(wanted),), settle_s=settle_s)


BOTH = requiring("linux/amd64", "linux/arm64")
FAILING = judged(rule, index(AMD64, attestation(AMD64)), BOTH)
PASSING = judged(rule, index(AMD64, ARM64), BOTH)


def test_the_message_says_what_is_there_instead() -> None:
    finding = only(FAILING)
    assert ("error", "linux/arm64") == (finding.severity, finding.subject)
    assert "linux/arm64 is required and missing; offered: linux/amd64" == finding.message
    assert "--platform linux/amd64,linux/arm64 -t test/team/app:latest" in finding.fix


def test_each_missing_platform_is_a_finding_of_its_own() -> None:
    judgement = judged(rule, index(AMD64), requiring("linux/arm64", "linux/s390x"))
    assert ["linux/arm64", "linux/s390x"] == [item.subject for item in judgement.findings]
    assert 2 == len({item.fingerprint for item in judgement.findings})


def test_a_lone_image_offers_what_its_config_says() -> None:
    assert Outcome.PASS == outcome(judged(rule, ARM64, requiring("linux/arm64")))
    assert Outcome.FAIL == outcome(judged(rule, AMD64, requiring("linux/arm64")))
    looks = {digest_of(AMD64.config): DENIED}
    judgement = judged(rule, AMD64, requiring("linux/arm64"), looks=looks)
    assert (Outcome.UNKNOWN, ()) == (outcome(judgement), judgement.findings)


@pytest.mark.parametrize(
    ("required", "offered", "expected"),
    [
        ("linux/arm", "linux/arm/v6", Outcome.PASS),
        ("linux/arm/v7", "linux/arm/v6", Outcome.FAIL),
        ("linux/arm64/v8", "linux/arm64", Outcome.PASS),
        ("linux/amd64", "linux/x86_64", Outcome.PASS),
    ],
)
def test_a_requirement_without_a_variant_is_met_by_any(
    required: str, offered: str, expected: Outcome
) -> None:
    built = index(AMD64, annotate={0: {"platform": offered}})
    assert expected == outcome(judged(rule, built, requiring(required)))


def test_an_entry_that_is_not_seen_offers_what_it_says() -> None:
    looks = {ARM64.digest: DENIED}
    assert Outcome.PASS == outcome(judged(rule, index(AMD64, ARM64), BOTH, looks=looks))


def test_a_nested_index_that_was_not_seen_may_offer_it() -> None:
    inner = index(ARM64)
    told = {
        look.state: outcome(judged(rule, index(AMD64, inner), BOTH, looks={inner.digest: look}))
        for look in (DENIED, ABSENT)
    }
    assert [Outcome.UNKNOWN, Outcome.FAIL] == list(told.values())


@pytest.mark.parametrize(
    ("age_s", "expected"), [(0, Outcome.UNKNOWN), (3599, Outcome.UNKNOWN), (3600, Outcome.FAIL)]
)
def test_a_tag_that_moved_a_moment_ago_waits(age_s: int, expected: Outcome) -> None:
    moved_at = LOOKED_AT - timedelta(seconds=age_s)
    judgement = judged(rule, AMD64, BOTH, moved_at=moved_at)
    assert expected == outcome(judgement)
    assert ("settling" in judgement.verdicts[0].detail) is (expected is Outcome.UNKNOWN)


@pytest.mark.parametrize(
    ("registry", "repository", "proxy", "expected"),
    [
        ("docker.io", "library/redis", False, Outcome.UNKNOWN),
        ("index.docker.io", "library/redis", False, Outcome.UNKNOWN),
        ("docker.io", "team/app", False, Outcome.FAIL),
        ("registry.example.com", "library/redis", False, Outcome.FAIL),
        ("registry.example.com", "library/redis", True, Outcome.UNKNOWN),
    ],
)
def test_only_what_is_published_by_and_by_waits_where_nothing_is_set(
    registry: str, repository: str, proxy: bool, expected: Outcome
) -> None:
    seen = observation(AMD64, registry=registry, repository=repository)
    for age, then in ((0, expected), (5, expected), (6, Outcome.FAIL)):
        moved_at = LOOKED_AT - timedelta(hours=age)
        policy = requiring("linux/arm64", settle_s=None)
        judgement = judge(seen, [rule], policy, UNSEEN, moved_at=moved_at, proxy=proxy)
        assert then == outcome(judgement), age


def test_a_tag_that_moved_a_moment_ago_and_offers_all_passes() -> None:
    judgement = judged(rule, index(AMD64, ARM64), BOTH, moved_at=LOOKED_AT)
    assert Outcome.PASS == outcome(judgement)


def test_what_is_no_image_offers_nothing_and_is_not_judged() -> None:
    chart = artifact("application/vnd.cncf.helm.config.v1+json", "text/plain", b"chart")
    assert Outcome.NOT_APPLICABLE == outcome(judged(rule, chart, BOTH))
    tag = f"sha256-{'a' * 64}.sig"
    assert Outcome.NOT_APPLICABLE == outcome(judged(rule, AMD64, BOTH, tag=tag))


def test_without_a_requirement_anything_goes() -> None:
    assert Outcome.PASS == outcome(judged(rule, AMD64))
