"""Which tags and repositories are watched."""

from __future__ import annotations

from typing import Any

import pytest

from mfl_lint.config import RegistryConfig
from mfl_lint.crawl.watch import (
    exact_names,
    exact_tags,
    newest,
    version_key,
    watched_repositories,
    watched_tags,
)


def registry(**settings: Any) -> RegistryConfig:
    return RegistryConfig(name="r", host="registry.example", **settings)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("1.9", "1.10"),
        ("v1.2.3", "v1.2.4"),
        ("1.2", "2"),
        ("1.2.3-rc1", "1.2.3"),
        ("1.2.3-alpha.1", "1.2.3-beta.1"),
        ("1.2.3-rc1", "1.2.3-rc2"),
        ("1.2.3b2", "1.2.3"),
        ("2024.01", "2024.11"),
        ("1.2-alpine", "1.3"),
    ],
)
def test_versions_are_ordered_by_their_numbers(earlier: str, later: str) -> None:
    first, second = version_key(earlier), version_key(later)
    assert first is not None
    assert second is not None
    assert first < second


@pytest.mark.parametrize(("one", "other"), [("1.2", "1.2.0"), ("1.2", "v1.2"), ("1.2", "1.2-slim")])
def test_spellings_and_suffixes_of_a_version_are_the_same_version(one: str, other: str) -> None:
    assert version_key(one) == version_key(other)


@pytest.mark.parametrize("tag", ["latest", "stable", "main", "bookworm", "x1.2", "1abc", "", "v"])
def test_other_tags_are_no_versions(tag: str) -> None:
    assert version_key(tag) is None


def test_newest_keeps_whole_versions_with_their_suffixes_and_everything_unversioned() -> None:
    tags = ("1.9", "1.10", "1.10-alpine", "latest", "1.8", "1.11-rc1", "1.11")
    assert newest(tags, 2) == ("latest", "1.11-rc1", "1.11")
    assert newest(tags, 3) == ("1.10", "1.10-alpine", "latest", "1.11-rc1", "1.11")


@pytest.mark.parametrize("tag", ["1." * 64, "9" * 128, "1-" + "rc" * 60])
def test_a_strange_tag_has_a_key_or_none_but_breaks_nothing(tag: str) -> None:
    assert newest((tag, "1.0", "latest"), 5) == (tag, "1.0", "latest")


def test_globs_include_and_exclude_tags() -> None:
    tags = ("v1", "v2", "nightly-1", "latest")
    wanted = registry(tags=("v*", "latest"), exclude_tags=("*2",))
    assert watched_tags(wanted, tags) == ("v1", "latest")


def test_newest_applies_after_the_globs() -> None:
    wanted = registry(tags=("v*",), newest=1)
    assert watched_tags(wanted, ("v1", "v2", "9.0")) == ("v2",)


def test_exact_names_need_no_catalogue_and_globs_do() -> None:
    assert exact_names(registry(repositories=("a", "team/b"))) == ("a", "team/b")
    assert exact_names(registry(repositories=("a", "team/*"))) is None


def test_exact_tags_are_those_without_a_glob() -> None:
    assert exact_tags(registry(tags=("latest", "v*"))) == ("latest",)


def test_globs_include_and_exclude_repositories() -> None:
    wanted = registry(repositories=("team/*",), exclude_repositories=("*/old-*",))
    names = ("team/app", "team/old-app", "other/app")
    assert watched_repositories(wanted, names) == ("team/app",)
