from __future__ import annotations

import pytest

from mfl_lint.core.rule import Judgement, Outcome, Siblings, TagSummary
from mfl_lint.rules.platform_in_tag import platform_in_tag as rule
from tests.builders import artifact, image, index
from tests.rules.cases import judged, only, outcome, severities, summary
from tests.rules.shell import grouped

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
    name = "test/team/app:v1"
    assert grouped(name, f"{name}-arm64", f"{name}-amd64") == finding.fix


@pytest.mark.parametrize("tag", ["v1-arm64", "latest-armhf", "arm64", "1.2_x86_64", "amd64-3.1"])
def test_a_lone_tag_is_possible_and_never_unknown(tag: str) -> None:
    for judgement in (beside(tag, "v9"), judged(rule, ARM64, tag=tag)):
        assert only(judgement).message.startswith("possible: ")
        assert Outcome.FAIL == outcome(judgement)
        assert "docker" not in only(judgement).fix
        assert only(judgement).fix.startswith("# if ")


@pytest.mark.parametrize("tag", ["charm", "alarm-1", "farm64", "latest", "v1.386.2"])
def test_other_tags_stay_silent(tag: str) -> None:
    assert [] == severities(beside(tag, "v9"))


def test_the_tag_without_the_word_makes_it_certain() -> None:
    finding = only(beside("v1-arm64", "v1"))
    assert "beside v1" in finding.message
    assert "# if arm64 is a platform, push all as one list, test/team/app:v1" == finding.fix


def test_the_image_of_the_tag_without_the_word_stays_in_the_list() -> None:
    plain = summary("v1", "linux/amd64", is_index=False)
    name = "test/team/app:v1"
    assert grouped(name, name, f"{name}-arm64") == only(beside("v1-arm64", plain)).fix
    same = summary("v1", "linux/arm64", is_index=False)
    assert only(beside("v1-arm64", same)).fix.startswith("# if ")


def test_tags_that_are_lists_are_merged_by_a_tool_that_takes_lists() -> None:
    name = "test/team/app:v1"
    expected = f"docker buildx imagetools create -t {name} {name}-arm64 {name}-amd64"
    assert expected == only(beside("v1-arm64", summary("v1-amd64", "linux/amd64"))).fix
    tags = Siblings(tags=(summary("v1-arm64"), summary("v1-amd64")))
    assert expected == only(judged(rule, index(ARM64), None, tags, tag="v1-arm64")).fix


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
