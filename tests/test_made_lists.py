"""Lists as the usual tools make them draw no finding that is not true."""

from __future__ import annotations

import pytest

from mfl_lint.core.history import History
from mfl_lint.core.policy import Policy
from mfl_lint.core.rule import Outcome, Siblings
from mfl_lint.crawl.facts import summary
from mfl_lint.lint import judge
from mfl_lint.rules import discover
from tests.builders import observation
from tests.made_lists import MadeList, made_lists

RULES = discover()


@pytest.mark.parametrize("made", list(made_lists()), ids=lambda made: made.tool)
def test_what_a_tool_makes_is_not_blamed(made: MadeList) -> None:
    seen = observation(made.built, tag=made.tag)
    assert seen.root is not None
    siblings = Siblings(tags=(summary(made.tag, seen.root),), repositories=("team/app",))
    judgement = judge(seen, RULES, Policy(), siblings, history=History())
    found = tuple(
        f"{item.rule} {item.severity.value}: {item.message}" for item in judgement.findings
    )
    assert made.expected == found
    undecided = (Outcome.UNKNOWN, Outcome.CRASHED)
    assert [] == [item for item in judgement.verdicts if item.outcome in undecided]
