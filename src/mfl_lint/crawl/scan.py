"""Look and judge once, without a database: what `mfl-lint scan` does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mfl_lint.config import RegistryConfig, Scheme
from mfl_lint.core.observation import Observation
from mfl_lint.core.policy import Policy
from mfl_lint.core.reference import Reference
from mfl_lint.core.rule import Finding, Judgement, Rule, Siblings
from mfl_lint.core.scan import Scan, ScannedTarget, report_order, scanned
from mfl_lint.crawl import facts
from mfl_lint.lint import judge, judge_name
from mfl_lint.registry.observe import observe
from mfl_lint.registry.source import Source

AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class Asked:
    """References of one repository in one source.

    `all_tags` says that they are all of the repository's tags, `repositories` what else the
    registry holds, None where it was not listed.
    """

    source: Source
    registry: RegistryConfig
    references: tuple[Reference, ...]
    all_tags: bool = False
    repositories: tuple[str, ...] | None = None


async def scan(
    asked: AsyncIterator[Asked],
    *,
    rules: Sequence[Rule],
    policy: Policy,
    now: Callable[[], datetime],
    looked: Callable[[Observation], None] = lambda observation: None,
) -> Scan:
    """Look at everything that is asked for, and judge it; no failure to look is raised.

    One repository is in memory at a time. `looked` is called after each look, for progress.
    """
    started_at = now()
    targets: list[ScannedTarget] = []
    findings: dict[str, Finding] = {}
    async for group in asked:
        observations = await _observe(group, now, looked)
        for observation, judgement in _judge(group, observations, rules, policy):
            targets.append(scanned(observation, judgement))
            findings |= {finding.fingerprint: finding for finding in judgement.findings}
        named = _judge_name(group, rules, policy)
        findings |= {finding.fingerprint: finding for finding in named}
    ordered = sorted(findings.values(), key=report_order)
    return Scan(started_at, tuple(targets), tuple(ordered))


async def _observe(
    group: Asked, now: Callable[[], datetime], looked: Callable[[Observation], None]
) -> list[Observation]:
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(reference: Reference) -> Observation:
        async with turns:
            seen = await observe(group.source, group.registry.name, reference, now=now)
        if not isinstance(seen, Observation):  # nothing was vouched for, so nothing is unchanged
            raise TypeError(seen)
        looked(seen)
        return seen

    async with asyncio.TaskGroup() as tasks:
        made = [tasks.create_task(one(reference)) for reference in group.references]
    return [task.result() for task in made]


def _judge(
    group: Asked, observations: Iterable[Observation], rules: Sequence[Rule], policy: Policy
) -> Iterable[tuple[Observation, Judgement]]:
    observations = list(observations)
    tags = None
    if group.all_tags:
        seen = [item for item in observations if item.root]
        tags = tuple(facts.summary(x.reference.target, x.root) for x in seen if x.root)
    siblings = Siblings(tags=tags, repositories=group.repositories)
    for observation in observations:
        judgement = judge(
            observation,
            rules,
            policy,
            siblings,
            sparse=group.registry.sparse,
            insecure=group.registry.scheme is Scheme.HTTP,
        )
        yield observation, judgement


def _judge_name(group: Asked, rules: Sequence[Rule], policy: Policy) -> tuple[Finding, ...]:
    """Return what is wrong with the repository's name, once for all its references."""
    if not group.references or not group.references[0].repository:
        return ()
    first = group.references[0]
    name = Reference(first.registry, first.repository)
    siblings = Siblings(repositories=group.repositories)
    insecure = group.registry.scheme is Scheme.HTTP
    named = judge_name(group.registry.name, name, rules, policy, siblings, insecure=insecure)
    return named.findings
