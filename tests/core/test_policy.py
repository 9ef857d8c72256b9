"""Policy: globs, required platforms, ignores, severities."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import (
    AnnotationDemand,
    Ignore,
    Policy,
    Requirement,
    Severity,
    any_glob,
    glob_matches,
)

NOW = datetime(2026, 1, 2, tzinfo=UTC)
AMD64 = Platform("linux", "amd64")
ARM64 = Platform("linux", "arm64")


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("", "", True),
        ("", "a", False),
        ("*", "", True),
        ("*", "a/b/c", True),
        ("**", "a/b", True),
        ("team/*", "team/a/b", True),
        ("team/*", "team", False),
        ("*/app", "team/app", True),
        ("*/app", "team/apps", False),
        ("v?.?", "v1.2", True),
        ("v?.?", "v1.22", False),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("*ab*ab", "xabab", True),
        ("*ab*ab", "xab", False),
        ("a*b*c", "a-b-b-c", True),
        ("a*b*c", "a-c-b", False),
        ("[ab]", "a", False),
        ("[ab]", "[ab]", True),
        ("a.c", "abc", False),
        ("a\\*c", "a\\bc", True),
        ("*\n", "a\n", True),
        ("?", "\n", True),
        ("*?\n", "a\n", True),
        ("App", "app", False),
    ],
)
def test_a_glob_matches_the_whole_text_or_not(pattern: str, text: str, expected: bool) -> None:
    assert expected == glob_matches(pattern, text)


@given(st.text("ab*?\n\\.", max_size=8), st.text("ab\n\\.", max_size=10))
def test_a_glob_matches_what_the_plain_regular_expression_matches(pattern: str, text: str) -> None:
    plain = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    assert (re.fullmatch(plain, text, re.DOTALL) is not None) == glob_matches(pattern, text)


def test_a_glob_that_would_backtrack_for_ever_is_answered() -> None:
    assert not glob_matches("*a" * 60 + "b", "a" * 3000)


def test_one_glob_of_several_is_enough_and_none_is_not() -> None:
    assert any_glob(["x", "v*"], "v1")
    assert not any_glob(["x", "v*"], "w1")
    assert not any_glob([], "v1")


def test_severities_are_ranked_from_the_worst() -> None:
    ranks = [severity.rank for severity in (Severity.ERROR, Severity.WARNING, Severity.INFO)]
    assert ranks == [0, 1, 2]


def test_a_policy_requires_each_platform_once_where_both_globs_match() -> None:
    policy = Policy(
        requirements=(
            Requirement((AMD64, ARM64), repositories=("team/*",)),
            Requirement((ARM64, Platform("linux", "s390x")), tags=("v*", "latest")),
            Requirement((Platform("linux", "386"),), repositories=("other",)),
        )
    )
    assert [str(platform) for platform in policy.required("team/app", "v1")] == [
        "linux/amd64",
        "linux/arm64",
        "linux/s390x",
    ]
    assert list(policy.required("team/app", "edge")) == [AMD64, ARM64]
    assert list(policy.required("app", "edge")) == []


def test_a_policy_without_requirements_requires_nothing() -> None:
    assert list(Policy().required("team/app", "latest")) == []


@pytest.mark.parametrize(
    ("ignore", "expected"),
    [
        (Ignore("MFL101", "known"), True),
        (Ignore("MFL1*", "known"), True),
        (Ignore("MFL2*", "known"), False),
        (Ignore("*", "known", registry="hub"), True),
        (Ignore("*", "known", registry="other"), False),
        (Ignore("*", "known", repository="team/*", tag="v?"), True),
        (Ignore("*", "known", repository="team"), False),
        (Ignore("*", "known", tag="latest"), False),
        (Ignore("*", "known", expires=NOW + timedelta(seconds=1)), True),
        (Ignore("*", "known", expires=NOW), False),
    ],
)
def test_an_ignore_covers_what_all_its_globs_match_until_it_expires(
    ignore: Ignore, expected: bool
) -> None:
    assert expected == ignore.covers("MFL101", "hub", "team/app", "v1", NOW)


def test_annotations_are_demanded_where_both_patterns_match_and_each_once() -> None:
    policy = Policy(
        annotations=(
            AnnotationDemand(("a", "b"), ("team/*",)),
            AnnotationDemand(("b", "c"), tags=("v*",)),
        )
    )
    assert ("a", "b", "c") == policy.required_annotations("team/app", "v1")
    assert ("a", "b") == policy.required_annotations("team/app", "latest")
    assert () == policy.required_annotations("other/app", "latest")
