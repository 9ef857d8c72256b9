from __future__ import annotations

import pytest

from mfl_lint.core.rule import Judgement, Outcome, Siblings, TagSummary
from mfl_lint.rules.platform_in_tag import platform_in_tag as rule
from tests.builders import artifact, image
from tests.rules.cases import judged, only, outcome, severities, summary

ARM64 = image("linux", "arm64")


def beside(tag: str, *tags: TagSummary | str) -> Judgement:
    known = tuple(summary(one) if isinstance(one, str) else one for one in (tag, *tags))
    return judged(rule, ARM64, None, Siblings(tags=known), tag=tag)


FAILING = beside("v1-arm64", "v1-amd64", "v2")
PASSING = beside("v1", "v1-amd64", "v1-arm64")


def test_a_tag_with_siblings_is_certain() -> None:
    finding = only(FAILING)
    assert "warning" == finding.severity
    assert "arm64 in the tag names a platform, like v1-amd64" == finding.message
    assert finding.fix.startswith(
        "docker manifest create test/team/app:v1 test/team/app:v1-arm64 test/team/app:v1-amd64 &&"
    )


@pytest.mark.parametrize("tag", ["v1-arm64", "latest-armhf", "arm64", "1.2_x86_64", "amd64-3.1"])
def test_a_lone_tag_is_possible_and_never_unknown(tag: str) -> None:
    for judgement in (beside(tag, "v9"), judged(rule, ARM64, tag=tag)):
        assert only(judgement).message.startswith("possible: ")
        assert Outcome.FAIL == outcome(judgement)


@pytest.mark.parametrize("tag", ["charm", "alarm-1", "farm64", "latest", "v1.386.2"])
def test_other_tags_stay_silent(tag: str) -> None:
    assert [] == severities(beside(tag, "v9"))


def test_the_tag_without_the_word_makes_it_certain() -> None:
    assert "beside v1" in only(beside("v1-arm64", "v1")).message


def test_it_is_information_where_the_tag_without_the_word_is_an_index_for_it() -> None:
    finding = only(beside("v1-arm64", summary("v1", "linux/amd64", "linux/arm64")))
    assert "info" == finding.severity
    assert "# use test/team/app:v1 everywhere" == finding.fix


def test_it_is_information_where_any_index_lists_the_very_digest() -> None:
    stable = TagSummary("stable", None, is_index=True, children=(ARM64.digest,))
    assert ["info"] == severities(beside("v1-arm64", stable))


def test_an_index_without_the_platform_groups_nothing() -> None:
    assert ["warning"] == severities(beside("v1-arm64", summary("v1", "linux/amd64")))


def test_artifacts_and_attachments_are_not_judged() -> None:
    chart = artifact("application/vnd.cncf.helm.config.v1+json", "text/plain", b"chart")
    assert Outcome.NOT_APPLICABLE == outcome(judged(rule, chart, tag="v1-arm64"))
    tag = f"sha256-{'a' * 64}.arm64"
    assert Outcome.NOT_APPLICABLE == outcome(judged(rule, ARM64, tag=tag))
