from __future__ import annotations

import pytest

from mfl_lint.core.policy import Policy, Requirement
from mfl_lint.core.rule import Judgement, Outcome, Siblings, TagSummary
from mfl_lint.rules.not_multi_platform import not_multi_platform as rule
from tests.builders import Built, attestation, image, index
from tests.rules.cases import AMD64 as AMD64_HOST
from tests.rules.cases import ARM64 as ARM64_HOST
from tests.rules.cases import judged, only, outcome, summary

AMD64 = image("linux", "amd64")
ARM64 = image("linux", "arm64")
SEVERAL = ("linux/amd64", "linux/arm64")


def beside(built: Built, *tags: TagSummary, tag: str = "latest") -> Judgement:
    return judged(rule, built, None, Siblings(tags=tags), tag=tag)


WIDE = tuple(summary(f"v{n}", *SEVERAL) for n in range(3))
FAILING = beside(AMD64, *WIDE)
PASSING = beside(index(AMD64, ARM64), *WIDE)


def test_the_message_counts_the_siblings() -> None:
    finding = only(FAILING)
    assert "warning" == finding.severity
    assert "only linux/amd64; 3 of 3 other tags have several" == finding.message


def test_an_index_with_one_image_is_one_platform() -> None:
    assert Outcome.FAIL == outcome(beside(index(AMD64, attestation(AMD64)), *WIDE))


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        (2, 1, Outcome.FAIL),
        (2, 2, Outcome.PASS),
        (1, 2, Outcome.PASS),
        (2, 0, Outcome.PASS),
        (0, 0, Outcome.PASS),
    ],
)
def test_more_than_half_of_at_least_three_siblings_decide(
    wide: int, narrow: int, expected: Outcome
) -> None:
    tags = [summary(f"w{n}", *SEVERAL) for n in range(wide)]
    tags += [summary(f"n{n}", "linux/amd64") for n in range(narrow)]
    assert expected == outcome(beside(AMD64, *tags))


def test_tags_of_one_platform_and_signatures_are_nobodys_siblings() -> None:
    narrow = [summary(f"v{n}-amd64", "linux/amd64") for n in range(9)]
    signature = summary(f"sha256-{'a' * 64}.sig", "linux/amd64")
    assert Outcome.FAIL == outcome(beside(AMD64, *WIDE, *narrow, signature))


def test_the_tag_itself_does_not_count() -> None:
    assert Outcome.PASS == outcome(beside(AMD64, *WIDE[:2], summary("latest", *SEVERAL)))


def test_names_of_one_platform_are_left_alone() -> None:
    assert Outcome.PASS == outcome(beside(AMD64, *WIDE, tag="v1-amd64"))


def test_a_policy_that_requires_several_platforms_decides_without_siblings() -> None:
    policy = Policy(requirements=(Requirement((AMD64_HOST, ARM64_HOST)),))
    finding = only(judged(rule, AMD64, policy))
    assert "only linux/amd64; the policy requires several" == finding.message
    one = Policy(requirements=(Requirement((AMD64_HOST,)),))
    assert Outcome.PASS == outcome(judged(rule, AMD64, one, Siblings(tags=())))


def test_siblings_that_nobody_looked_at_leave_it_unknown() -> None:
    assert Outcome.UNKNOWN == outcome(judged(rule, AMD64))
    assert Outcome.UNKNOWN == outcome(beside(AMD64, *WIDE[:2], summary("v9")))


def test_several_platforms_need_no_siblings() -> None:
    assert Outcome.PASS == outcome(judged(rule, index(AMD64, ARM64)))
