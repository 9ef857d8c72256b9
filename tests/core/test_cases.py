"""Which nodes a rule is called for, and what was not seen of them."""

from __future__ import annotations

import pytest

from mfl_lint.core.cases import Tree, node_case, seen_as
from mfl_lint.core.observation import Kind, Look, LookState
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Policy, Severity
from mfl_lint.core.rule import Needs, NodeCase, Rule, Scope
from tests.builders import Built, attestation, image, index, node

AMD64 = image("linux", "x86_64")
GONE = image("linux", "arm64")


def called(
    built: Built, scope: Scope, kinds: frozenset[Kind], look: Look | None = None, *needs: Needs
) -> tuple[list[tuple[int, str]], str]:
    """Return order and gap of each target of such a rule, and what kept it from more."""
    looks = {GONE.digest: look} if look is not None else {}
    root = node(built, looks=looks)
    tree = Tree(node_case(root, None, root, Policy(), False, ()))
    rule = Rule("MFL999", "made", Severity.INFO, scope, needs, kinds, "", {}, lambda case: ())
    targets, unseen = tree.targets(rule)
    return [(target.order, target.gap) for target in targets], unseen


EVERY = frozenset(Kind)
IMAGES = frozenset({Kind.IMAGE})
BUILT = index(AMD64, attestation(AMD64), index(GONE))


@pytest.mark.parametrize(
    ("scope", "kinds", "orders"),
    [
        (Scope.DOCUMENT, EVERY, [0, 1, 2, 3, 4]),
        (Scope.DOCUMENT, IMAGES, [1, 4]),
        (Scope.ENTRY, EVERY, [1, 2, 3, 4]),
        (Scope.INDEX, IMAGES, [0, 3]),
    ],
)
def test_nodes_are_counted_depth_first(
    scope: Scope, kinds: frozenset[Kind], orders: list[int]
) -> None:
    targets, unseen = called(BUILT, scope, kinds)
    assert (orders, "") == ([order for order, _ in targets], unseen)


@pytest.mark.parametrize(
    ("look", "gap"),
    [
        (Look(LookState.DENIED, "401"), "linux/arm64: denied: 401"),
        (Look(LookState.INVALID, "other", mismatch=AMD64.digest), "linux/arm64: invalid: other"),
        (Look(LookState.INVALID, "deep", bounded=True), ""),
        (Look(LookState.ABSENT), ""),
    ],
)
def test_a_gap_is_what_another_look_could_fill(look: Look, gap: str) -> None:
    built = index(AMD64, GONE)
    targets, _ = called(built, Scope.DOCUMENT, EVERY, look, Needs.BYTES)
    assert [(0, ""), (1, ""), (2, gap)] == targets
    assert ([(1, "")], gap) == called(built, Scope.DOCUMENT, IMAGES, look, Needs.BYTES)


def test_a_rule_that_needs_the_index_only_has_no_gaps() -> None:
    targets, _ = called(index(GONE), Scope.ENTRY, EVERY, Look(LookState.DENIED), Needs.INDEX)
    assert [(1, "")] == targets


def test_a_case_holds_the_platform_in_its_normal_form_and_the_cases_below() -> None:
    root = node(index(AMD64))
    case = node_case(root, None, root, Policy(), True, (Platform("linux", "arm64"),))
    (child,) = case.children
    assert isinstance(child, NodeCase)
    assert (Platform(), Platform("linux", "amd64")) == (case.normal, child.normal)
    assert (root, True, case.required) == (child.parent, child.sparse, child.required)


@pytest.mark.parametrize(
    ("look", "expected"),
    [
        (None, "not looked at"),
        (Look(LookState.ABSENT), "absent"),
        (Look(LookState.DENIED, "401"), "denied: 401"),
    ],
)
def test_a_look_is_told_to_people(look: Look | None, expected: str) -> None:
    assert expected == seen_as(look)
