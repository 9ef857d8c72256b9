"""What findings become after a look: previous state and judgement in, transitions out. Pure.

A finding is open, resolved or unknown. It opens and resolves only on a complete,
digest-verified look; a rule that could not decide resolves nothing; a look that failed
changes nothing until it failed for several rounds, then the finding is unknown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum

import msgspec

from mfl_lint.core.rule import Finding, Judgement


class FindingState(StrEnum):
    """What is held to be true of a finding now."""

    OPEN = "open"
    RESOLVED = "resolved"
    UNKNOWN = "unknown"


class Change(StrEnum):
    """What happened to a finding."""

    OPENED = "opened"
    WORSENED = "worsened"
    EASED = "eased"
    RESOLVED = "resolved"
    UNKNOWN = "unknown"
    RECOVERED = "recovered"


class Tracked(msgspec.Struct, frozen=True, cache_hash=True):
    """A finding with its life. Times are aware UTC.

    `sequence` counts its transitions from 1; `missed_rounds` the rounds since it was last
    confirmed or refuted.
    """

    finding: Finding
    state: FindingState
    first_seen_at: datetime
    last_confirmed_at: datetime
    resolved_at: datetime | None = None
    missed_rounds: int = 0
    sequence: int = 0


class Transition(msgspec.Struct, frozen=True):
    """One change of one finding. `id` is the same however often it is announced."""

    id: str
    fingerprint: str
    sequence: int
    change: Change
    at: datetime
    reason: str


class Settlement(msgspec.Struct, frozen=True):
    """What to write: the tracked findings that differ from before, and their transitions."""

    changed: tuple[Tracked, ...] = ()
    transitions: tuple[Transition, ...] = ()


def transition_id(fingerprint: str, sequence: int, first_seen_at: datetime) -> str:
    """Return the id of a finding's n-th transition, whoever computes it and when.

    One that was forgotten and comes back counts from 1 again: when it came tells the two apart.
    """
    life = first_seen_at.astimezone(UTC).isoformat()
    return hashlib.sha256(f"{fingerprint}/{sequence}/{life}".encode()).hexdigest()[:32]


def _move(
    before: Tracked, state: FindingState, change: Change, now: datetime, reason: str
) -> tuple[Tracked, Transition]:
    """Return the finding in its new state, and the transition that took it there."""
    sequence = before.sequence + 1
    refuted = state is FindingState.RESOLVED
    after = msgspec.structs.replace(
        before,
        state=state,
        sequence=sequence,
        resolved_at=now if refuted else None,
        missed_rounds=0 if refuted else before.missed_rounds,
    )
    fingerprint = before.finding.fingerprint
    identity = transition_id(fingerprint, sequence, before.first_seen_at)
    return after, Transition(identity, fingerprint, sequence, change, now, reason)


def _found(
    before: Tracked | None, finding: Finding, now: datetime
) -> tuple[Tracked, Change | None]:
    """Return the finding as confirmed now, and what that changes."""
    if before is None:
        return Tracked(finding, FindingState.OPEN, now, now), Change.OPENED
    change: Change | None = None
    if before.state is FindingState.RESOLVED:
        change = Change.OPENED
    elif finding.severity.rank < before.finding.severity.rank:
        change = Change.WORSENED
    elif finding.severity.rank > before.finding.severity.rank:
        change = Change.EASED
    elif before.state is FindingState.UNKNOWN:
        change = Change.RECOVERED
    first = now if before.state is FindingState.RESOLVED else before.first_seen_at
    after = msgspec.structs.replace(
        before, finding=finding, first_seen_at=first, last_confirmed_at=now, missed_rounds=0
    )
    return after, change


def _confirmed(
    before: Tracked | None, finding: Finding, now: datetime
) -> tuple[Tracked, Transition | None]:
    """Return the finding as confirmed now, with the transition if that changes anything."""
    after, change = _found(before, finding, now)
    if change is None:
        return after, None
    return _move(after, FindingState.OPEN, change, now, finding.message)


def _missed(
    before: Tracked, now: datetime, rounds: int, reason: str
) -> tuple[Tracked, Transition | None]:
    """Return the finding after one more round that neither confirmed nor refuted it."""
    after = msgspec.structs.replace(before, missed_rounds=before.missed_rounds + 1)
    if before.state is FindingState.OPEN and after.missed_rounds >= rounds:
        return _move(after, FindingState.UNKNOWN, Change.UNKNOWN, now, reason)
    return after, None


def _not_found(
    before: Tracked, decided: bool, now: datetime, rounds: int
) -> tuple[Tracked, Transition | None]:
    """Return the finding after a look that did not show it, and that decided or did not."""
    if decided:
        return _move(before, FindingState.RESOLVED, Change.RESOLVED, now, "no longer found")
    return _missed(before, now, rounds, "could not be looked at")


def _stands(before: Tracked | None) -> bool:
    """Say whether the finding was open or unknown before."""
    return before is not None and before.state is not FindingState.RESOLVED


def _settlement(moves: Iterable[tuple[Tracked, Transition | None]]) -> Settlement:
    """Return the moves as what is to be written."""
    made = tuple(moves)
    transitions = tuple(transition for _, transition in made if transition is not None)
    return Settlement(tuple(after for after, _ in made), transitions)


def settle(
    previous: Sequence[Tracked],
    judgement: Judgement,
    *,
    complete: bool,
    judged: frozenset[str],
    now: datetime,
    missed_rounds: int,
) -> Settlement:
    """Return what a look that succeeded makes of a tag's findings.

    `complete` says that tag, index and every child were seen; `judged` are the ids of the rules
    that ran. Findings of other rules are left alone; with the ids of rules that exist no more
    among `judged`, a complete look resolves theirs.
    """
    found = {finding.fingerprint: finding for finding in judgement.findings}
    tracked = {item.finding.fingerprint: item for item in previous}
    undecided = frozenset(judgement.unknown_rules())
    moves = [
        _confirmed(tracked.get(mark), finding, now)
        for mark, finding in found.items()
        if complete or _stands(tracked.get(mark))
    ]
    for mark, before in tracked.items():
        rule = before.finding.rule
        if mark not in found and rule in judged and _stands(before):
            decided = complete and rule not in undecided
            moves.append(_not_found(before, decided, now, missed_rounds))
    return _settlement(moves)


def settle_failed_look(
    previous: Iterable[Tracked], *, reason: str, now: datetime, missed_rounds: int
) -> Settlement:
    """Return what a look that failed makes of a tag's findings: at most unknown, never gone."""
    return _settlement(
        _missed(before, now, missed_rounds, reason) for before in previous if _stands(before)
    )


def settle_gone(previous: Iterable[Tracked], *, reason: str, now: datetime) -> Settlement:
    """Return what becomes of the findings of a tag (or repository, or rule) that is gone."""
    return _settlement(
        _move(before, FindingState.RESOLVED, Change.RESOLVED, now, reason)
        for before in previous
        if _stands(before)
    )
