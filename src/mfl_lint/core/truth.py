"""What findings become after a look: previous state and judgement in, transitions out. Pure.

A finding is open, resolved or unknown. It opens and resolves only on a complete,
digest-verified look; a rule that could not decide resolves nothing; a look that failed
changes nothing until it failed for several rounds, then the finding is unknown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
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


class Tracked(msgspec.Struct, frozen=True):
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


def transition_id(fingerprint: str, sequence: int) -> str:
    """Return the id of a finding's n-th transition, whoever computes it and when."""
    return hashlib.sha256(f"{fingerprint}/{sequence}".encode()).hexdigest()[:32]


def _move(
    before: Tracked, state: FindingState, change: Change, now: datetime, reason: str
) -> tuple[Tracked, Transition]:
    """Return the finding in its new state, and the transition that took it there."""
    sequence = before.sequence + 1
    after = msgspec.structs.replace(
        before,
        state=state,
        sequence=sequence,
        resolved_at=now if state is FindingState.RESOLVED else None,
    )
    fingerprint = before.finding.fingerprint
    identity = transition_id(fingerprint, sequence)
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
    elif before.state is FindingState.UNKNOWN:
        change = Change.RECOVERED
    elif finding.severity.rank < before.finding.severity.rank:
        change = Change.WORSENED
    elif finding.severity.rank > before.finding.severity.rank:
        change = Change.EASED
    first = now if before.state is FindingState.RESOLVED else before.first_seen_at
    after = msgspec.structs.replace(
        before, finding=finding, first_seen_at=first, last_confirmed_at=now, missed_rounds=0
    )
    return after, change


def _missed(
    before: Tracked, now: datetime, rounds: int, reason: str
) -> tuple[Tracked, Transition | None]:
    """Return the finding after one more round that neither confirmed nor refuted it."""
    after = msgspec.structs.replace(before, missed_rounds=before.missed_rounds + 1)
    if before.state is FindingState.OPEN and after.missed_rounds >= rounds:
        return _move(after, FindingState.UNKNOWN, Change.UNKNOWN, now, reason)
    return after, None


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
    that ran (findings of others are left alone, but those of rules that exist no more are
    refuted by leaving them out of `previous`).
    """
    tracked: Mapping[str, Tracked] = {item.finding.fingerprint: item for item in previous}
    undecided = frozenset(judgement.unknown_rules())
    changed: list[Tracked] = []
    transitions: list[Transition] = []

    def keep(after: Tracked, transition: Transition | None) -> None:
        changed.append(after)
        if transition is not None:
            transitions.append(transition)

    found = {item.fingerprint: item for item in judgement.findings}
    for mark, finding in found.items():
        before = tracked.get(mark)
        if not complete and (before is None or before.state is FindingState.RESOLVED):
            continue
        after, change = _found(before, finding, now)
        if change is None:
            keep(after, None)
        else:
            keep(*_move(after, FindingState.OPEN, change, now, finding.message))
    for mark, before in tracked.items():
        gone = mark not in found and before.finding.rule in judged
        if not gone or before.state is FindingState.RESOLVED:
            continue
        if not complete or before.finding.rule in undecided:
            keep(*_missed(before, now, missed_rounds, "could not be looked at"))
        else:
            reason = "no longer found"
            keep(*_move(before, FindingState.RESOLVED, Change.RESOLVED, now, reason))
    return Settlement(tuple(changed), tuple(transitions))


def settle_failed_look(
    previous: Iterable[Tracked], *, reason: str, now: datetime, missed_rounds: int
) -> Settlement:
    """Return what a look that failed makes of a tag's findings: at most unknown, never gone."""
    changed: list[Tracked] = []
    transitions: list[Transition] = []
    for before in previous:
        if before.state is FindingState.RESOLVED:
            continue
        after, transition = _missed(before, now, missed_rounds, reason)
        changed.append(after)
        if transition is not None:
            transitions.append(transition)
    return Settlement(tuple(changed), tuple(transitions))


def settle_gone(previous: Iterable[Tracked], *, reason: str, now: datetime) -> Settlement:
    """Return what becomes of the findings of a tag (or repository, or rule) that is gone."""
    moves = [
        _move(before, FindingState.RESOLVED, Change.RESOLVED, now, reason)
        for before in previous
        if before.state is not FindingState.RESOLVED
    ]
    return Settlement(tuple(a for a, _ in moves), tuple(t for _, t in moves))
