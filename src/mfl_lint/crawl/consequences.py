"""What one look at one tag leads to: look, previous state and rules in, a TagWrite out. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

import msgspec

from mfl_lint.core.digest import Digest
from mfl_lint.core.observation import Look, LookState, Observation
from mfl_lint.core.records import TagState, TagWrite
from mfl_lint.core.rule import Rule, Siblings, TagSummary
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
        self, seen: Observation, moved_at: datetime | None, previous: Collection[Tracked]
    ) -> tuple[Settlement, bool]:
        """Return what changes, and whether the tag still waits for a look that decides.

        Findings of rules that exist no more are refuted.
        """
        job = self._job
        judgement = judge(
            seen,
            self._rules,
            job.policy,
            self._siblings,
            moved_at=moved_at,
            sparse=job.registry.sparse,
            tree=self._tree(seen),
        )
        retired = {item.finding.rule for item in previous} - self._existing
        settlement = settle(
            tuple(previous),
            judgement,
            complete=seen.complete or seen.look.mismatch is not None,
            judged=self._judged | retired,
            now=job.now(),
            missed_rounds=job.settings.missed_rounds,
        )
        waits = any(judgement.unknown_rules()) or is_unsettled(previous, settlement)
        return settlement, waits

    def _tree(self, seen: Observation) -> TreeJudgement | None:
        if seen.root is None or seen.digest is None or not seen.complete:
            return None
        if seen.digest not in self._trees:
            job = self._job
            self._trees[seen.digest] = judge_tree(
                seen.root, self._rules, job.policy, sparse=job.registry.sparse
            )
        return self._trees[seen.digest]


def is_unsettled(previous: Iterable[Tracked], settlement: Settlement) -> bool:
    """Say whether a finding of the tag still waits for a look that decides."""
    after = {item.finding.fingerprint: item for item in (*previous, *settlement.changed)}
    return any(
        item.state is FindingState.UNKNOWN
        or (item.state is FindingState.OPEN and item.missed_rounds > 0)
        for item in after.values()
    )


def seen_write(
    seen: Observation,
    before: TagState | None,
    previous: Collection[Tracked],
    bench: Bench,
    vouched: Collection[Digest],
    judged_hash: str,
) -> TagWrite:
    """Return all that is to be written after a look that read the tag (or a false digest)."""
    at = seen.looked_at
    moved = before is None or before.digest != seen.digest
    moved_at = before.moved_at if before else None
    if moved and before is not None and before.digest is not None:
        moved_at = at
    settlement, waits = bench.judge(seen, moved_at, previous)
    root, name = seen.root, seen.reference.target
    summary: TagSummary | None = facts.summary(name, root) if root else None
    state = TagState(
        name=name,
        digest=seen.digest,
        look=seen.look.state,
        detail=seen.look.detail,
        first_seen_at=before.first_seen_at if before and before.first_seen_at else at,
        looked_at=at,
        verified_at=at,
        walked_at=at,
        moved_at=moved_at,
        complete=seen.complete,
        judged_hash=judged_hash,
        unsettled=waits,
        summary=summary,
    )
    if root is None:
        return TagWrite(state, settlement)
    found = tuple(facts.presences(root, vouched, at))
    return TagWrite(state, settlement, facts.entries(root), found, moved)


def failed_write(
    name: str,
    before: TagState | None,
    previous: Collection[Tracked],
    look: Look,
    at: datetime,
    missed_rounds: int,
) -> TagWrite:
    """Return what is to be written after a look that did not read the tag.

    A 404 begins (or goes on with) its absence; any other failure says nothing about that.
    Findings miss a round either way: a tag is gone only when its absence was confirmed.
    """
    settlement = settle_failed_look(
        previous, reason=look.detail or str(look.state), now=at, missed_rounds=missed_rounds
    )
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
