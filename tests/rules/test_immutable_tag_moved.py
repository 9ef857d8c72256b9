from __future__ import annotations

from datetime import timedelta

import pytest

from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.history import Earlier, History
from mfl_lint.core.policy import Policy
from mfl_lint.core.rule import Judgement, Outcome
from mfl_lint.rules.immutable_tag_moved import immutable_tag_moved as rule
from tests.builders import LOOKED_AT, artifact, image
from tests.rules.cases import judged, only, outcome

AMD64 = image("linux", "amd64")
FIRST, SECOND = digest_of(b"first"), digest_of(b"second")
POLICY = Policy(immutable_tags=("v*.*.*",))


def moved(
    *earlier: tuple[Digest, float], days: float = 1, tag: str = "v1.2.3", policy: Policy = POLICY
) -> Judgement:
    """Judge a tag that moved so many days ago, from digests that came so many days ago."""
    stays = tuple(Earlier(one, LOOKED_AT - timedelta(days=age)) for one, age in earlier)
    history = History(stays, LOOKED_AT - timedelta(days=days), repeated=True)
    return judged(rule, AMD64, policy, tag=tag, history=history)


FAILING = moved((FIRST, 90))
PASSING = moved()


def test_the_message_has_both_digests_and_the_day() -> None:
    finding = only(FAILING)
    assert ("warning", "") == (finding.severity, finding.subject)
    assert finding.message.startswith("it must not move; it was sha256:")
    assert "until 2026-03-01 12:00 UTC and is sha256:" in finding.message
    assert finding.fix.endswith(f"-t test/team/app:v1.2.3 test/team/app@{FIRST}")


@pytest.mark.parametrize(("days", "expected"), [(29, Outcome.FAIL), (31, Outcome.PASS)])
def test_after_thirty_days_it_is_history(days: float, expected: Outcome) -> None:
    assert expected == outcome(moved((FIRST, 90), days=days))


def test_what_it_was_thirty_days_ago_is_what_it_should_be() -> None:
    finding = only(moved((SECOND, 10), (FIRST, 90), (digest_of(b"old"), 200)))
    assert f"@{FIRST}" in finding.fix


def test_a_tag_that_was_moved_back_passes() -> None:
    assert Outcome.PASS == outcome(moved((SECOND, 2), (AMD64.digest, 90)))


@pytest.mark.parametrize("tag", ["latest", "v1", "1.2.3"])
def test_other_tags_may_move(tag: str) -> None:
    assert Outcome.PASS == outcome(moved((FIRST, 90), tag=tag))


def test_without_a_policy_every_tag_may_move() -> None:
    assert Outcome.PASS == outcome(moved((FIRST, 90), policy=Policy()))


def test_a_single_scan_knows_no_history_and_artifacts_are_not_judged() -> None:
    assert Outcome.NOT_APPLICABLE == outcome(judged(rule, AMD64, POLICY, tag="v1.2.3"))
    chart = artifact("application/x", "text/plain", b"chart")
    judgement = judged(rule, chart, POLICY, tag="v1.2.3", history=History())
    assert Outcome.NOT_APPLICABLE == outcome(judgement)
