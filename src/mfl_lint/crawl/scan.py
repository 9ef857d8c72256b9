"""Look and judge once, without a database: what `mfl-lint scan` does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec

from mfl_lint.config import RegistryConfig, Scheme
from mfl_lint.core.observation import Observation
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Policy, Requirement
from mfl_lint.core.reference import Reference
from mfl_lint.core.rule import Finding, Judgement, Rule, Siblings
from mfl_lint.core.scan import Scan, ScannedTarget, left_out, report_order, scanned
from mfl_lint.crawl import facts
from mfl_lint.lint import judge, judge_name
from mfl_lint.registry.deep import DeepReader
from mfl_lint.registry.observe import observe
from mfl_lint.registry.source import Source

AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class Asked:
    """References of one repository in one source.

    `all_tags` says that they are all of the repository's tags, `repositories` what else the
    registry holds, None where it was not listed. `required` are the platforms that a reference
    must offer besides the policy's.
    """

    source: Source
    registry: RegistryConfig
    references: tuple[Reference, ...]
    all_tags: bool = False
    repositories: tuple[str, ...] | None = None
    required: Mapping[Reference, tuple[Platform, ...]] = field(default_factory=dict)


async def scan(
    asked: AsyncIterator[Asked],
    *,
    rules: Sequence[Rule],
    policy: Policy,
    now: Callable[[], datetime],
    looked: Callable[[Observation], None] = lambda observation: None,
    check_blobs: bool = False,
    inside: DeepReader | None = None,
    deep: bool = False,
) -> Scan:
    """Look at everything that is asked for, and judge it; no failure to look is raised.

    One repository is in memory at a time. `looked` is called after each look, for progress.
    `check_blobs`: whether layers are there is looked at too, however registries are configured.
    `inside` reads the layers of the registries that are configured so, or with `deep` of all.
    """
    started_at = now()
    targets: list[ScannedTarget] = []
    findings: dict[str, Finding] = {}
    notes: list[str] = []
    async for group in asked:
        reader = inside if deep or group.registry.deep else None
        observations = await _observe(group, now, looked, check_blobs, reader)
        for observation, judgement in _judge(group, observations, rules, policy):
            targets.append(scanned(observation, judgement))
            notes += filter(None, [left_out(observation)])
            findings |= {finding.fingerprint: finding for finding in judgement.findings}
        named = _judge_name(group, rules, policy)
        findings |= {finding.fingerprint: finding for finding in named}
    ordered = sorted(findings.values(), key=report_order)
    return Scan(started_at, tuple(targets), tuple(ordered), notes=tuple(notes))


async def _observe(
    group: Asked,
    now: Callable[[], datetime],
    looked: Callable[[Observation], None],
    check_blobs: bool,
    inside: DeepReader | None,
) -> list[Observation]:
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(reference: Reference) -> Observation:
        async with turns:
            seen = await observe(
                group.source,
                group.registry.name,
                reference,
                now=now,
                check_blobs=check_blobs or group.registry.check_blobs,
            )
        if not isinstance(seen, Observation):  # nothing was vouched for, so nothing is unchanged
            raise TypeError(seen)
        if inside is not None:
            seen = await inside.look(group.source, seen)
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
            _demanding(policy, group.required.get(observation.reference, ())),
            siblings,
            sparse=group.registry.sparse,
            insecure=group.registry.scheme is Scheme.HTTP,
        )
        yield observation, judgement


def _demanding(policy: Policy, platforms: tuple[Platform, ...]) -> Policy:
    """Return the policy of one reference: whoever names it may need more than the policy says."""
    if not platforms:
        return policy
    requirements = (*policy.requirements, Requirement(platforms))
    return msgspec.structs.replace(policy, requirements=requirements)


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
