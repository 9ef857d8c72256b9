from __future__ import annotations

from datetime import timedelta

import pytest

from mfl_lint.core.rule import Judgement, Outcome, Siblings, TagSummary
from mfl_lint.rules.siblings_differ import siblings_differ as rule
from tests.builders import LOOKED_AT, Built, artifact, image, index
from tests.rules.cases import DENIED, judged, only, outcome, summary

AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
BOTH = index(AMD64, ARM64)
SEVERAL = ("linux/amd64", "linux/arm64")


def beside(built: Built, *tags: TagSummary, tag: str = "latest") -> Judgement:
    return judged(rule, built, None, Siblings(tags=tags), tag=tag)


FAILING = beside(AMD64, summary("1.27.3", *SEVERAL), summary("1.26.0", "linux/amd64"))
PASSING = beside(BOTH, summary("1.27.3", *SEVERAL), summary("1.26.0", "linux/amd64"))


def test_the_message_names_both_and_the_fix_makes_them_one() -> None:
    finding = only(FAILING)
    assert "warning" == finding.severity
    assert (
        "latest offers linux/amd64, and 1.27.3, the newest version, linux/amd64, linux/arm64"
        == finding.message
    )
    assert finding.fix.endswith("create -t test/team/app:latest test/team/app:1.27.3")


def test_a_platform_that_only_latest_has_is_a_difference_too() -> None:
    assert Outcome.FAIL == outcome(beside(BOTH, summary("v2.0", "linux/amd64")))


def test_versions_are_ordered_by_their_numbers() -> None:
    tags = [summary("1.9.9", "linux/amd64"), summary("1.10.0", *SEVERAL)]
    assert Outcome.PASS == outcome(beside(BOTH, *tags))


@pytest.mark.parametrize(
    "other",
    ["1.28-alpine", "2.0.0-rc1", "2.0-windowsservercore-ltsc2022", "edge", "stable", "9.9-arm64"],
)
def test_a_tag_with_another_suffix_is_compared_with_nothing(other: str) -> None:
    assert Outcome.PASS == outcome(beside(AMD64, summary(other, *SEVERAL)))


def test_tags_with_the_same_suffix_are_compared() -> None:
    tags = [summary("1.27.3", "linux/amd64"), summary("1.27.3-alpine", *SEVERAL)]
    assert Outcome.FAIL == outcome(beside(AMD64, *tags, tag="latest-alpine"))
    assert Outcome.PASS == outcome(beside(BOTH, *tags, tag="latest-alpine"))
    assert Outcome.PASS == outcome(beside(AMD64, *tags))


def test_a_date_is_no_newer_version_than_a_dotted_one() -> None:
    dated = summary("20260301", *SEVERAL, "linux/riscv64")
    assert Outcome.PASS == outcome(beside(BOTH, dated, summary("3.23.2", *SEVERAL)))
    assert Outcome.FAIL == outcome(beside(BOTH, dated))


@pytest.mark.parametrize("tag", ["v1", "1.27.3", "main", "latest-arm64", "latest_x"])
def test_only_latest_is_judged(tag: str) -> None:
    assert Outcome.PASS == outcome(beside(AMD64, summary("1.27.3", *SEVERAL), tag=tag))


def test_without_versions_there_is_nothing_to_compare_with() -> None:
    assert Outcome.PASS == outcome(beside(AMD64, summary("latest", "linux/amd64")))
    chart = TagSummary("1.0.0", None, False, ())
    assert Outcome.PASS == outcome(beside(AMD64, chart))


def test_the_spelling_and_the_order_of_platforms_do_not_count() -> None:
    newest = summary("1.0", "linux/arm64/v8", "linux/amd64")
    assert Outcome.PASS == outcome(beside(BOTH, newest))


def test_what_nobody_looked_at_leaves_it_unknown() -> None:
    assert Outcome.UNKNOWN == outcome(judged(rule, AMD64))
    assert Outcome.UNKNOWN == outcome(beside(AMD64, summary("1.27.3")))
    inner = index(ARM64)
    seen = judged(
        rule,
        index(AMD64, inner),
        None,
        Siblings(tags=(summary("1.0", *SEVERAL),)),
        looks={inner.digest: DENIED},
    )
    assert Outcome.UNKNOWN == outcome(seen)


def test_a_tag_that_moved_a_moment_ago_waits() -> None:
    siblings = Siblings(tags=(summary("1.0", *SEVERAL),))
    for hours, expected in ((5, Outcome.UNKNOWN), (7, Outcome.FAIL)):
        moved_at = LOOKED_AT - timedelta(hours=hours)
        assert expected == outcome(judged(rule, AMD64, None, siblings, moved_at=moved_at))


def test_what_is_no_image_is_not_judged() -> None:
    chart = artifact("application/x", "text/plain", b"chart")
    assert Outcome.NOT_APPLICABLE == outcome(beside(chart, summary("1.0", *SEVERAL)))
