"""What one look at one tag leads to."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from mfl_lint.core.digest import digest_of
from mfl_lint.core.observation import Look, LookState
from mfl_lint.core.records import TagState, TagWrite
from mfl_lint.core.rule import Siblings
from mfl_lint.core.truth import Change, FindingState, Tracked
from mfl_lint.crawl.consequences import Bench, failed_write, seen_write
from mfl_lint.crawl.job import Job
from tests.builders import LOOKED_AT, Built, image, index, observation
from tests.crawl.world import World

AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
GOOD = index(AMD64, ARM64)
WRONG = index(AMD64, image("linux", "amd64", name="b"), annotate={1: {"platform": "linux/arm64"}})
LATER = LOOKED_AT + timedelta(hours=1)
DOWN = Look(LookState.UNREACHABLE, "connection refused")
ABSENT = Look(LookState.ABSENT, "manifest unknown")


@pytest.fixture
def job(world: World) -> Job:
    return world.job()


def look(
    job: Job,
    built: Built | None,
    before: TagWrite | None = None,
    *,
    is_first: bool = True,
    looked: Look | None = None,
) -> TagWrite:
    at = LOOKED_AT if before is None else LATER
    seen = observation(built, look=looked or Look(LookState.VERIFIED), looked_at=at)
    bench = Bench(job, job.rules, Siblings(tags=()))
    previous = before.settlement.changed if before else ()
    state = before.state if before else None
    return seen_write(seen, state, previous, bench, {}, "hash", is_first=is_first)


def test_a_new_tag_of_a_new_repository_did_not_move_and_a_later_one_did(job: Job) -> None:
    assert None is look(job, GOOD).state.moved_at
    assert LOOKED_AT == look(job, GOOD, is_first=False).state.moved_at


def test_a_tag_moves_when_its_digest_changes_and_only_then(job: Job) -> None:
    before = look(job, GOOD)
    same, moved = look(job, GOOD, before), look(job, WRONG, before)
    assert (False, None) == (same.moved, same.state.moved_at)
    assert (True, LATER) == (moved.moved, moved.state.moved_at)
    assert LOOKED_AT == moved.state.first_seen_at


def test_wrong_bytes_leave_what_the_tag_was(job: Job) -> None:
    before = look(job, WRONG)
    false = Look(LookState.INVALID, "bytes", mismatch=AMD64.digest, claimed=GOOD.digest)
    after = look(job, None, before, looked=false)
    assert before.state.digest == after.state.digest
    assert before.state.verified_at == after.state.verified_at
    assert None is after.state.moved_at
    assert None is after.entries
    opened = [x for x in after.settlement.transitions if x.change is Change.OPENED]
    assert 1 == len(opened)


def test_a_404_of_what_nobody_saw_is_not_kept_and_another_failure_is(job: Job) -> None:
    assert None is failed_write("v1", None, (), ABSENT, LOOKED_AT, job)
    kept = failed_write("v1", None, (), DOWN, LOOKED_AT, job)
    assert kept is not None
    assert (LookState.UNREACHABLE, None) == (kept.state.look, kept.state.digest)


def test_an_absence_begins_with_the_first_404_and_only_a_look_ends_it(job: Job) -> None:
    before = look(job, GOOD)
    first = failed_write("v1", before.state, (), ABSENT, LATER, job)
    assert first is not None
    assert LATER == first.state.missing_since
    down = failed_write("v1", first.state, (), DOWN, LATER + timedelta(hours=1), job)
    assert down is not None
    assert LATER == down.state.missing_since
    assert None is look(job, GOOD, TagWrite(down.state)).state.missing_since


def missed(job: Job, state: TagState, previous: tuple[Tracked, ...], rounds: int) -> Tracked:
    for _ in range(rounds):
        write = failed_write("v1", state, previous, DOWN, LATER, job)
        assert write is not None
        state, previous = write.state, write.settlement.changed or previous
    return previous[0]


def test_findings_are_unknown_after_three_rounds_and_not_before(job: Job) -> None:
    before = look(job, WRONG)
    assert FindingState.OPEN is missed(job, before.state, before.settlement.changed, 2).state
    assert FindingState.UNKNOWN is missed(job, before.state, before.settlement.changed, 3).state


def test_a_round_that_is_gone_on_with_is_not_missed_twice(job: Job) -> None:
    before = look(job, WRONG)
    again = dataclasses.replace(job, round_since=LATER)
    found = missed(again, before.state, before.settlement.changed, 5)
    assert (FindingState.OPEN, 1) == (found.state, found.missed_rounds)


def test_a_tag_with_something_undecided_is_not_settled(job: Job) -> None:
    before = look(job, WRONG)
    assert not before.state.unsettled
    after = failed_write("v1", before.state, before.settlement.changed, DOWN, LATER, job)
    assert after is not None
    assert after.state.unsettled
    seen = observation(GOOD, looks={ARM64.digest: DOWN})
    bench = Bench(job, job.rules, Siblings(tags=()))
    partial = seen_write(seen, None, (), bench, {}, "hash", is_first=True)
    assert (True, False) == (partial.state.unsettled, partial.state.complete)


def test_what_our_limits_hide_is_waited_for_until_it_is_unknown_and_no_longer(job: Job) -> None:
    before = look(job, WRONG)
    bench = Bench(job, job.rules, Siblings(tags=()))
    hidden = Look(LookState.INVALID, "too deep", bounded=True)
    seen = observation(WRONG, looks={digest_of(WRONG.children[1].blobs[0]): hidden})
    state, previous, waited = before.state, before.settlement.changed, []
    for _ in range(4):
        write = seen_write(seen, state, previous, bench, {}, "hash", is_first=False)
        state, previous = write.state, write.settlement.changed or previous
        waited.append(state.unsettled)
    assert [True, True, False, False] == waited
    assert FindingState.UNKNOWN is previous[0].state


def test_a_finding_of_a_rule_that_exists_no_more_is_refuted(world: World) -> None:
    before = look(world.job(), WRONG)
    rules = tuple(rule for rule in world.job().rules if rule.id != "MFL101")
    after = look(world.job(rules=rules), WRONG, before)
    assert [Change.RESOLVED] == [item.change for item in after.settlement.transitions]
