"""What a rule rests on is taken away from a sound list: then the rule says that it cannot tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.policy import AnnotationDemand, Policy
from mfl_lint.core.rule import Needs, Outcome, Rule, Scope, Siblings
from mfl_lint.rules import discover
from tests.builders import image, index
from tests.rules.cases import DENIED, judged, outcome
from tests.rules.deep import judged_deep

RULES: Final = discover()
LISTED: Final = tuple(
    image("linux", arch, files={"app/hello": arch.encode()}) for arch in ("amd64", "arm64", "s390x")
)
SOUND: Final = index(*LISTED)
POLICY: Final = Policy(annotations=(AnnotationDemand(("owner",)),))

# What is read below a tag in each look; layers and history only where somebody asked for them.
READ: Final = frozenset({Needs.CHILDREN, Needs.CONFIGS, Needs.BYTES, Needs.BLOBS})
ASKED: Final = frozenset({Needs.LAYERS, Needs.HISTORY})
# The entries of the list name their platforms: what the configs say does not matter to it.
SELDOM: Final = frozenset({"MFL102"})
# A name alone makes them say `possible`: never unknown.
NAMES: Final = frozenset({"MFL303", "MFL304"})


def each(chosen: Callable[[Rule], bool], expected: int) -> pytest.MarkDecorator:
    rules = [rule for rule in RULES if chosen(rule)]
    assert expected == len(rules)
    return pytest.mark.parametrize("rule", rules, ids=lambda rule: rule.id)


def is_of_a_tag(rule: Rule) -> bool:
    return rule.scope not in (Scope.NAME, Scope.GONE)


def without(rule: Rule, hidden: Digest) -> Outcome:
    """Return how a rule ends where one document of the list was not to be seen."""
    tag = "v1-arm64" if rule.id in NAMES else "latest"
    return outcome(judged(rule, SOUND, POLICY, tag=tag, looks={hidden: DENIED}))


@each(is_of_a_tag, 42)
def test_of_a_tag_that_was_not_seen_no_rule_says_anything(rule: Rule) -> None:
    judgement = judged(rule, None, look=DENIED)
    assert (Outcome.UNKNOWN, ()) == (outcome(judgement), judgement.findings)


@each(lambda rule: not READ.isdisjoint(rule.needs) and rule.id not in ("MFL601", "MFL605"), 23)
def test_a_child_that_was_not_seen_leaves_unknown_what_rests_on_children(rule: Rule) -> None:
    assert Outcome.UNKNOWN == without(rule, LISTED[1].digest)


@each(
    lambda rule: (
        Needs.CONFIGS in rule.needs and ASKED.isdisjoint(rule.needs) and rule.id not in SELDOM
    ),
    6,
)
def test_a_config_that_was_not_seen_leaves_unknown_what_rests_on_configs(rule: Rule) -> None:
    assert Outcome.UNKNOWN == without(rule, digest_of(LISTED[1].config))


@each(
    lambda rule: Needs.SIBLINGS in rule.needs and rule.scope is Scope.TAG and rule.id not in NAMES,
    2,
)
def test_siblings_that_were_not_seen_leave_unknown_what_rests_on_them(rule: Rule) -> None:
    assert Outcome.UNKNOWN == outcome(judged(rule, LISTED[0], POLICY, Siblings()))


@each(lambda rule: Needs.LAYERS in rule.needs and rule.scope is Scope.DOCUMENT, 2)
def test_layers_that_were_not_read_leave_unknown_what_rests_on_them(rule: Rule) -> None:
    hidden = digest_of(LISTED[1].layers[0])
    assert Outcome.UNKNOWN == outcome(judged_deep(rule, SOUND, unread=[hidden]))


@each(
    lambda rule: not ASKED.isdisjoint(rule.needs) and rule.scope in (Scope.TAG, Scope.DOCUMENT),
    4,
)
def test_what_nobody_asked_for_is_neither_judged_nor_unknown(rule: Rule) -> None:
    assert Outcome.NOT_APPLICABLE == outcome(judged(rule, SOUND, POLICY))
