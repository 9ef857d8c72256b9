"""Roles, names, and which registries somebody sees."""

from itertools import pairwise

import pytest

from mfl_lint.core.access import (
    RIGHTS,
    SCOPES,
    Person,
    Right,
    Role,
    seen_by,
    token_name,
    user_name,
)
from mfl_lint.core.errors import Refused

VISIBLE = {
    "open": ("everyone",),
    "inside": ("users",),
    "named": ("alice", "bob"),
    "nobody": (),
}


def test_each_role_may_do_what_the_one_before_may_and_more() -> None:
    roles = list(Role)
    for lower, higher in pairwise(roles):
        assert RIGHTS[lower] < RIGHTS[higher]


def test_a_token_can_do_no_more_than_its_user_and_no_more_than_it_is_for() -> None:
    scopes = frozenset(SCOPES)
    assert {Right.READ} == Person("a", Role.VIEWER, scopes).rights
    assert {Right.SCAN} == Person("a", Role.EDITOR, frozenset({Right.SCAN})).rights
    assert Right.AUDIT not in Person("a", Role.EDITOR, scopes).rights
    assert {Right.AUDIT} == Person("a", Role.ADMIN, frozenset({Right.AUDIT})).rights
    assert Right.AUDIT not in Person("a", Role.ADMIN, scopes - {Right.AUDIT}).rights


@pytest.mark.parametrize(
    ("person", "seen"),
    [
        (None, {"open"}),
        (Person("carol", Role.EDITOR), {"open", "inside"}),
        (Person("alice", Role.VIEWER), {"open", "inside", "named"}),
    ],
)
def test_a_registry_is_seen_by_whom_it_is_meant_for(person: Person | None, seen: set[str]) -> None:
    assert seen == seen_by(person, VISIBLE)


def test_a_name_is_in_lower_case() -> None:
    assert "alice@example.com" == user_name(" Alice@Example.com ")


@pytest.mark.parametrize(
    "text", ["", " ", "-a", "a b", "é", "a" * 101, "a\nb", "everyone", "Users", "local", "shell"]
)
def test_a_name_that_nobody_can_have_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        user_name(text)


@pytest.mark.parametrize("text", ["", " a", "a\x1b", "a/b", "a" * 101])
def test_a_tokens_name_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        token_name(text)
    assert "CI of team 1" == token_name("CI of team 1")
