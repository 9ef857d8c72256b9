"""Run one rule on something built: what the tests of the rules share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from mfl_lint.core.digest import Digest
from mfl_lint.core.history import History
from mfl_lint.core.observation import VERIFIED, Look, LookState, Observation
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Policy
from mfl_lint.core.reference import Reference
from mfl_lint.core.rule import Finding, Judgement, Outcome, Rule, Siblings, TagSummary
from mfl_lint.lint import judge, judge_name
from tests.builders import Built, observation

UNSEEN: Final = Siblings()
DENIED: Final = Look(LookState.DENIED, "401")
ABSENT: Final = Look(LookState.ABSENT, "manifest unknown")
AMD64: Final = Platform("linux", "amd64")
ARM64: Final = Platform("linux", "arm64")


def judged(
    rule: Rule,
    built: Built | None,
    policy: Policy | None = None,
    siblings: Siblings = UNSEEN,
    *,
    repository: str = "team/app",
    tag: str = "latest",
    look: Look = VERIFIED,
    looks: Mapping[Digest, Look] | None = None,
    moved_at: datetime | None = None,
    sparse: bool = False,
    history: History | None = None,
    proxy: bool = False,
) -> Judgement:
    """Return what one rule says of a tag that points at what was built."""
    seen = observation(built, repository=repository, tag=tag, look=look, looks=looks)
    return judge(
        seen,
        [rule],
        policy or Policy(),
        siblings,
        moved_at=moved_at,
        sparse=sparse,
        history=history,
        proxy=proxy,
    )


def judged_observation(
    rule: Rule,
    seen: Observation,
    policy: Policy | None = None,
    siblings: Siblings = UNSEEN,
    *,
    moved_at: datetime | None = None,
    sparse: bool = False,
) -> Judgement:
    """Return what one rule says of an observation."""
    return judge(seen, [rule], policy or Policy(), siblings, moved_at=moved_at, sparse=sparse)


def judged_name(
    rule: Rule, repository: str, siblings: Siblings = UNSEEN, registry: str = "test"
) -> Judgement:
    """Return what one rule says of a repository's name."""
    return judge_name("test", Reference(registry, repository), [rule], Policy(), siblings)


def outcome(judgement: Judgement) -> Outcome:
    """Return how the one rule ended."""
    (verdict,) = judgement.verdicts
    return verdict.outcome


def only(judgement: Judgement) -> Finding:
    """Return the one finding."""
    (finding,) = judgement.findings
    return finding


def severities(judgement: Judgement) -> list[str]:
    """Return the severity of each finding."""
    return [finding.severity.value for finding in judgement.findings]


def summary(tag: str, *platforms: str, is_index: bool = True) -> TagSummary:
    """Return a sibling that offers the platforms; without any it was not looked at."""
    seen = tuple(Platform.parse(text) for text in platforms)
    return TagSummary(tag, None, is_index and bool(seen), seen or None)
