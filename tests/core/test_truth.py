"""The rules of truth: when a finding opens, stays, resolves or becomes unknown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Finding, Judgement, Outcome, RuleVerdict, fingerprint
from mfl_lint.core.truth import (
    Change,
    FindingState,
    Settlement,
    Tracked,
    settle,
    settle_failed_look,
    settle_gone,
    transition_id,
)

THEN = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NOW = THEN + timedelta(hours=1)
OPEN, RESOLVED, UNKNOWN = FindingState.OPEN, FindingState.RESOLVED, FindingState.UNKNOWN
RULES = frozenset({"MFL101", "MFL201"})


def finding(
    rule: str = "MFL101", severity: Severity = Severity.ERROR, message: str = "m"
) -> Finding:
    """Return a finding of a tag."""
    rule = "MFL101"
    mark = fingerprint(rule, "one", "app", "v1", "linux/arm64", 0)
    place = ("one", "app", "v1", "one.test/app:v1", None, "linux/arm64", 1, "linux/arm64")
    return Finding(rule, "slug", severity, *place, message, "fix", mark)


def tracked(
    state: FindingState = OPEN, missed: int = 0, sequence: int = 1, **of: Severity
) -> Tracked:
    """Return a finding as it was stored."""
    ended = THEN if state is RESOLVED else None
    return Tracked(finding(**of), state, THEN, THEN, ended, missed, 1)


def judged(*findings: Finding, outcome: Outcome = Outcome.PASS, rule: str = "MFL101") -> Judgement:
    """Return a judgement with these findings, and how a rule ended."""
    return Judgement(findings, (RuleVerdict(rule, outcome),))


def looked(
    before: Tracked | None,
    judgement: Judgement,
    *,
    complete: bool = True,
    rules: frozenset[str] = RULES,
    rounds: int = 3,
) -> Settlement:
    """Return what a look that succeeded makes of one finding."""
    previous = [] if before is None else [before]
    return settle(
        previous, judgement, complete=complete, judged=rules, now=NOW, missed_rounds=rounds
    )


def ended(settlement: Settlement) -> tuple[FindingState, Change | None, int] | None:
    """Return the state, the change and the missed rounds, None where nothing is written."""
    if not settlement.changed:
        assert () == settlement.transitions
        return None
    (after,) = settlement.changed
    changes = [transition.change for transition in settlement.transitions]
    assert len(changes) <= 1
    return after.state, changes[0] if changes else None, after.missed_rounds


@pytest.mark.parametrize(
    ("before", "complete", "expected"),
    [
        (None, True, (OPEN, Change.OPENED, 0)),
        (None, False, None),
        (tracked(OPEN, missed=2), True, (OPEN, None, 0)),
        (tracked(OPEN, missed=2), False, (OPEN, None, 0)),
        (tracked(RESOLVED), True, (OPEN, Change.OPENED, 0)),
        (tracked(RESOLVED), False, None),
        (tracked(UNKNOWN, missed=5), True, (OPEN, Change.RECOVERED, 0)),
        # Seeing the very fault again confirms what once opened on a complete look.
        (tracked(UNKNOWN, missed=5), False, (OPEN, Change.RECOVERED, 0)),
    ],
)
def test_a_fault_that_is_found(before: Tracked | None, complete: bool, expected: object) -> None:
    assert expected == ended(looked(before, judged(finding()), complete=complete))


@pytest.mark.parametrize(
    ("before", "complete", "expected"),
    [
        (tracked(OPEN), True, (RESOLVED, Change.RESOLVED, 0)),
        (tracked(OPEN, missed=2), True, (RESOLVED, Change.RESOLVED, 0)),
        (tracked(UNKNOWN, missed=4), True, (RESOLVED, Change.RESOLVED, 0)),
        (tracked(RESOLVED), True, None),
        (tracked(OPEN), False, (OPEN, None, 1)),
        (tracked(OPEN, missed=1), False, (OPEN, None, 2)),
        (tracked(OPEN, missed=2), False, (UNKNOWN, Change.UNKNOWN, 3)),
        (tracked(UNKNOWN, missed=3), False, (UNKNOWN, None, 4)),
        (tracked(RESOLVED), False, None),
    ],
)
def test_a_fault_that_is_not_found(before: Tracked, complete: bool, expected: object) -> None:
    assert expected == ended(looked(before, judged(), complete=complete))


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.CRASHED])
@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (tracked(OPEN), (OPEN, None, 1)),
        (tracked(OPEN, missed=2), (UNKNOWN, Change.UNKNOWN, 3)),
        (tracked(UNKNOWN, missed=3), (UNKNOWN, None, 4)),
    ],
)
def test_a_rule_that_could_not_decide_resolves_nothing_on_a_complete_look(
    outcome: Outcome, before: Tracked, expected: object
) -> None:
    assert expected == ended(looked(before, judged(outcome=outcome)))


def test_a_rule_that_could_not_decide_holds_no_other_rules_finding_back() -> None:
    other = judged(outcome=Outcome.UNKNOWN, rule="MFL201")
    assert (RESOLVED, Change.RESOLVED, 0) == ended(looked(tracked(), other))


def test_the_findings_of_rules_that_did_not_run_are_left_alone() -> None:
    settled = looked(tracked(), judged(), rules=frozenset({"MFL201"}))
    assert Settlement() == settled


def test_what_is_seen_again_at_another_severity_got_worse_or_eased() -> None:
    before = tracked(UNKNOWN, missed=5, severity=Severity.WARNING)
    settled = looked(before, judged(finding(severity=Severity.ERROR)))
    assert (OPEN, Change.WORSENED, 0) == ended(settled)


@pytest.mark.parametrize(
    ("was", "now", "change"),
    [
        (Severity.WARNING, Severity.ERROR, Change.WORSENED),
        (Severity.ERROR, Severity.INFO, Change.EASED),
        (Severity.INFO, Severity.INFO, None),
    ],
)
def test_another_severity_is_a_change_of_the_same_finding(
    was: Severity, now: Severity, change: Change | None
) -> None:
    settled = looked(tracked(severity=was), judged(finding(severity=now)))
    assert (OPEN, change, 0) == ended(settled)
    assert now is settled.changed[0].finding.severity


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (tracked(OPEN), (OPEN, None, 1)),
        (tracked(OPEN, missed=1), (OPEN, None, 2)),
        (tracked(OPEN, missed=2), (UNKNOWN, Change.UNKNOWN, 3)),
        (tracked(UNKNOWN, missed=3), (UNKNOWN, None, 4)),
        (tracked(RESOLVED), None),
    ],
)
def test_a_look_that_failed_resolves_nothing_and_is_unknown_after_three_rounds(
    before: Tracked, expected: object
) -> None:
    settled = settle_failed_look([before], reason="503", now=NOW, missed_rounds=3)
    assert expected == ended(settled)


def test_an_unknown_finding_keeps_when_it_was_last_confirmed() -> None:
    settled = settle_failed_look([tracked(missed=2)], reason="503", now=NOW, missed_rounds=3)
    assert (THEN, "503") == (
        settled.changed[0].last_confirmed_at,
        settled.transitions[0].reason,
    )


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (tracked(OPEN), (RESOLVED, Change.RESOLVED, 0)),
        (tracked(UNKNOWN, missed=4), (RESOLVED, Change.RESOLVED, 0)),
        (tracked(RESOLVED), None),
    ],
)
def test_what_is_gone_for_sure_has_no_findings_left(before: Tracked, expected: object) -> None:
    settled = settle_gone([before], reason="the tag was deleted", now=NOW)
    assert expected == ended(settled)
    if settled.changed:
        assert (NOW, "the tag was deleted") == (
            settled.changed[0].resolved_at,
            settled.transitions[0].reason,
        )


def test_a_finding_has_one_life_from_opened_to_opened_again() -> None:
    found, nothing = judged(finding()), judged()
    opened = looked(None, found)
    resolved = looked(opened.changed[0], nothing)
    again = settle(
        resolved.changed,
        found,
        complete=True,
        judged=RULES,
        now=NOW + timedelta(hours=1),
        missed_rounds=3,
    )
    life = [step.changed[0] for step in (opened, resolved, again)]
    assert [1, 2, 3] == [one.sequence for one in life]
    assert [NOW, NOW, NOW + timedelta(hours=1)] == [one.first_seen_at for one in life]
    assert [None, NOW, None] == [one.resolved_at for one in life]


def test_a_transition_has_the_same_id_whoever_computes_it() -> None:
    first, second = (looked(None, judged(finding())) for _ in range(2))
    assert first == second
    mark = finding().fingerprint
    assert transition_id(mark, 1, NOW) == first.transitions[0].id
    marks = {
        transition_id(mark, 1, NOW),
        transition_id(mark, 2, NOW),
        transition_id(mark[1:], 1, NOW),
        transition_id(mark, 1, THEN),
    }
    assert 4 == len(marks)
    elsewhere = timezone(timedelta(hours=5))
    assert transition_id(mark, 1, NOW) == transition_id(mark, 1, NOW.astimezone(elsewhere))


def test_a_new_push_with_the_same_fault_is_the_same_finding_with_the_new_message() -> None:
    settled = looked(tracked(), judged(finding(message="new")))
    after = settled.changed[0]
    assert ("new", NOW, THEN, 1) == (
        after.finding.message,
        after.last_confirmed_at,
        after.first_seen_at,
        after.sequence,
    )
    assert () == settled.transitions


def test_nothing_is_written_where_nothing_is_known_and_nothing_found() -> None:
    assert Settlement() == looked(None, judged())
    assert Settlement() == settle_failed_look([], reason="503", now=NOW, missed_rounds=3)
    assert Settlement() == settle_gone([], reason="deleted", now=NOW)


def test_what_came_before_is_never_changed_in_place() -> None:
    before = tracked()
    copied = msgspec.structs.replace(before)
    looked(before, judged())
    assert copied == before
