from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from mfl_lint.core.digest import digest_of
from mfl_lint.core.history import GoneCase
from mfl_lint.core.policy import Policy
from mfl_lint.core.reference import Reference
from mfl_lint.core.rule import Judgement, Outcome
from mfl_lint.lint import judge_gone
from mfl_lint.rules.tag_vanished import tag_vanished as rule
from tests.builders import LOOKED_AT
from tests.rules.cases import only, outcome

DIGEST = digest_of(b"index")


def gone(days: float = 0, tag: str = "v1", policy: Policy | None = None, **said: Any) -> Judgement:
    """Judge a tag that was found to be gone so many days ago."""
    known: dict[str, Any] = {"digest": DIGEST, "is_image": True} | said
    gone_at = LOOKED_AT - timedelta(days=days)
    reference = Reference("test", "team/app", tag)
    case = GoneCase(reference, policy or Policy(), **known, gone_at=gone_at, judged_at=LOOKED_AT)
    return judge_gone("test", case, [rule])


FAILING = gone()
PASSING = gone(days=30)


def test_the_message_says_what_it_was_and_the_fix_puts_it_back() -> None:
    finding = only(FAILING)
    assert ("info", "v1", "") == (finding.severity, finding.tag, finding.platform)
    assert f"the tag is gone; it was {DIGEST[:19]}…" == finding.message
    first, line, *_ = finding.fix.split("\n")
    assert "# to put the tag back:" == first
    assert line.endswith(f"-t test/team/app:v1 test/team/app@{DIGEST}")


@pytest.mark.parametrize(("days", "expected"), [(29.9, Outcome.FAIL), (30, Outcome.PASS)])
def test_after_thirty_days_it_is_no_news(days: float, expected: Outcome) -> None:
    assert expected == outcome(gone(days))


def test_what_was_no_image_and_signatures_are_not_judged() -> None:
    assert Outcome.PASS == outcome(gone(is_image=False))
    assert Outcome.PASS == outcome(gone(tag=f"sha256-{'a' * 64}.sig"))


def test_a_tag_whose_digest_nobody_knows_can_only_be_built_again() -> None:
    assert "@" not in only(gone(digest=None)).fix


def test_it_can_be_switched_off() -> None:
    policy = Policy(disabled=frozenset({"MFL504"}))
    assert Outcome.NOT_APPLICABLE == outcome(gone(policy=policy))
