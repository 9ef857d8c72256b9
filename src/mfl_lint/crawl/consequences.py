"""What one look at one tag leads to: look, previous state and rules in, a TagWrite out. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Final

import msgspec

from mfl_lint.config import Scheme
from mfl_lint.core.digest import Digest
from mfl_lint.core.history import History
from mfl_lint.core.observation import Look, LookState, Observation
from mfl_lint.core.records import TagState, TagWrite
from mfl_lint.core.rule import Rule, Siblings
from mfl_lint.core.truth import (
    FindingState,
    Settlement,
    Tracked,
    settle,
    settle_failed_look,
)
from mfl_lint.crawl import facts
from mfl_lint.crawl.job import Job
from mfl_lint.lint import TreeJudgement, judge, judge_tree

NO_PAST: Final = History()


class Bench:
    """Where the tags of one slice are judged, by some of the job's rules, beside their siblings.

    What the rules say of a tree is worked out once per digest.
    """

    def __init__(self, job: Job, rules: tuple[Rule, ...], siblings: Siblings) -> None:
        self._job = job
        self._rules = rules
        self._siblings = siblings
        self._judged = frozenset(rule.id for rule in rules)
        self._existing = frozenset(rule.id for rule in job.rules)
        self._trees: dict[Digest, TreeJudgement] = {}

    def judge(
        self,
        seen: Observation,
        moved_at: datetime | None,
        previous: Collection[Tracked],
        *,
        complete: bool,
        history: History | None = None,
        again: bool = False,
    ) -> tuple[Settlement, bool]:
        """Return what changes, and whether the tag still waits for a look that decides.

        `complete` as in `truth.settle`; `again`: the tag was looked at in this round already,
        so that nothing misses a round once more. Findings of rules that exist no more are refuted.
        Without a `history` none of the rules must rest on it.
        """
        job = self._job
        judgement = judge(
            seen,
            self._rules,
            job.policy,
            self._siblings,
            moved_at=moved_at,
            sparse=job.registry.sparse,
            insecure=job.registry.scheme is Scheme.HTTP,
            tree=self._tree(seen, complete=complete),
            history=history,
            proxy=job.registry.proxy,
        )
        retired = {item.finding.rule for item in previous} - self._existing
        settlement = settle(
            tuple(previous),
            judgement,
            complete=complete,
            judged=self._judged | retired,
            now=job.now(),
            missed_rounds=job.settings.missed_rounds,
        )
        if again:
            settlement = without_misses(settlement)
        if facts.is_bounded(seen):
            return settlement, is_unsettled(previous, settlement, bounded=True)
        waits = any(judgement.unknown_rules()) or is_unsettled(previous, settlement)
        return settlement, waits

    def is_again(self, before: TagState | None) -> bool:
        """Say whether a tag was looked at in this round already, before it was interrupted."""
        return is_again(self._job, before)

    def _tree(self, seen: Observation, *, complete: bool) -> TreeJudgement | None:
        if seen.root is None or seen.digest is None or not complete:
            return None
        if seen.digest not in self._trees:
            job = self._job
            self._trees[seen.digest] = judge_tree(
                seen.root, self._rules, job.policy, sparse=job.registry.sparse
            )
        return self._trees[seen.digest]


def without_misses(settlement: Settlement) -> Settlement:
    """Return the settlement without what another look in the same round made of no news."""
    changed = tuple(
        item
        for item in settlement.changed
        if item.state is FindingState.RESOLVED or not item.missed_rounds
    )
    marks = {item.finding.fingerprint for item in changed}
    moves = tuple(move for move in settlement.transitions if move.fingerprint in marks)
    return Settlement(changed, moves)


def is_again(job: Job, before: TagState | None) -> bool:
    """Say whether a look is no round of its own.

    The tag was looked at in this round already, before it was interrupted; or only some
    repositories are looked at, because somebody asked for it.
    """
    last = before.looked_at if before else None
    since = job.round_since
    return job.partial or (last is not None and since is not None and last >= since)


def is_unsettled(
    previous: Iterable[Tracked], settlement: Settlement, *, bounded: bool = False
) -> bool:
    """Say whether a finding of the tag still waits for a look that decides.

    Where looks are `bounded` no look ever will: once it is unknown, it waits no more.
    """
    after = {item.finding.fingerprint: item for item in (*previous, *settlement.changed)}
    return any(
        (item.state is FindingState.UNKNOWN and not bounded)
        or (item.state is FindingState.OPEN and item.missed_rounds > 0)
        for item in after.values()
    )


def seen_write(
    seen: Observation,
    before: TagState | None,
    previous: Collection[Tracked],
    bench: Bench,
    vouched: Mapping[Digest, datetime],
    judged_hash: str,
    *,
    is_first: bool,
    history: History = NO_PAST,
) -> TagWrite:
    """Return all that is to be written after a look that read the tag.

    `history` is the tag's past before this look. `is_first`: the repository was never looked at
    before, so that nobody knows how old a tag is. A tag that appears later was pushed since: that
    counts as a move.
    """
    root, name, at = seen.root, seen.reference.target, seen.looked_at
    if root is None:
        return _false_write(seen, before, previous, bench)
    moved = before is None or before.digest != seen.digest
    moved_at, complete = _moved_at(seen, before, is_first=is_first), seen.complete
    settlement, waits = bench.judge(
        seen,
        moved_at,
        previous,
        complete=complete,
        history=history,
        again=bench.is_again(before),
    )
    state = TagState(
        name=name,
        digest=seen.digest,
        look=seen.look.state,
        detail=seen.look.detail,
        first_seen_at=before.first_seen_at if before and before.first_seen_at else at,
        looked_at=at,
        verified_at=at,
        walked_at=facts.walked_at(root, vouched, at),
        moved_at=moved_at,
        complete=complete,
        judged_hash=judged_hash,
        unsettled=waits,
        summary=facts.summary(name, root),
    )
    found = tuple(facts.presences(root, vouched, at))
    read = facts.read_configs(root) if before is not None else ()
    return TagWrite(state, settlement, facts.entries(root), found, moved, read)


def _moved_at(seen: Observation, before: TagState | None, *, is_first: bool) -> datetime | None:
    """Return when the tag got its digest, None where nobody knows. `is_first`: see `seen_write`."""
    known = before is not None and before.digest is not None
    moved = before is None or before.digest != seen.digest
    if moved and (known or not is_first):
        return seen.looked_at
    return before.moved_at if before else None


def _false_write(
    seen: Observation, before: TagState | None, previous: Collection[Tracked], bench: Bench
) -> TagWrite:
    """Return what is to be written of a tag whose bytes are not those of its digest.

    That much is certain and can open; what the tag held before stays as it was.
    """
    at, name = seen.looked_at, seen.reference.target
    state = before or TagState(name=name, first_seen_at=at)
    settlement, _ = bench.judge(
        seen, state.moved_at, previous, complete=True, again=bench.is_again(before)
    )
    changed = msgspec.structs.replace(
        state,
        look=seen.look.state,
        detail=seen.look.detail,
        looked_at=at,
        missing_since=None,
        gone_at=None,
        watched=True,
        unsettled=True,
    )
    return TagWrite(changed, settlement)


def failed_write(
    name: str,
    before: TagState | None,
    previous: Collection[Tracked],
    look: Look,
    at: datetime,
    job: Job,
) -> TagWrite | None:
    """Return what is to be written after a look that did not read the tag.

    A 404 begins (or goes on with) its absence; any other failure says nothing about that.
    Findings miss a round either way: a tag is gone only when its absence was confirmed. Of a
    tag that nobody ever saw a 404 says nothing worth keeping: None.
    """
    if before is None and look.state is LookState.ABSENT:
        return None
    settlement = settle_failed_look(
        previous,
        reason=look.detail or str(look.state),
        now=at,
        missed_rounds=job.settings.missed_rounds,
    )
    if is_again(job, before):
        settlement = without_misses(settlement)
    state = before or TagState(name=name, first_seen_at=at)
    missing = state.missing_since
    if look.state is LookState.ABSENT and missing is None:
        missing = at
    changed = msgspec.structs.replace(
        state,
        look=look.state,
        detail=look.detail,
        looked_at=at,
        missing_since=missing,
        watched=True,
        unsettled=is_unsettled(previous, settlement),
    )
    return TagWrite(changed, settlement)
