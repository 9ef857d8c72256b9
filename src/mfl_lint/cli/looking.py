"""Look and judge once as `scan` and `inspect` do, and leave out what the policy ignores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

import msgspec

from mfl_lint.cli.asked import Expansion
from mfl_lint.cli.connect import Access, registries
from mfl_lint.cli.progress import progress_line
from mfl_lint.config import Config
from mfl_lint.config_checks import check_known
from mfl_lint.core.errors import ConfigInvalid, PlatformInvalid
from mfl_lint.core.observation import Observation
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Policy, Requirement
from mfl_lint.core.scan import Scan
from mfl_lint.crawl.scan import scan
from mfl_lint.registry.target import Target
from mfl_lint.rules import discover


class Looked(msgspec.Struct, frozen=True):
    """A scan without the findings that the policy ignores, and how many these are."""

    scan: Scan
    ignored: int


def demanding(policy: Policy, required: Iterable[str]) -> Policy:
    """Return the policy with the platforms of --require for everything; raise ConfigInvalid."""
    texts = [part.strip() for text in required for part in text.split(",")]
    if "" in texts:
        raise ConfigInvalid("--require: a platform is empty; write linux/amd64,linux/arm64")
    if not texts:
        return policy
    try:
        platforms = tuple(Platform.parse(text) for text in texts)
    except PlatformInvalid as error:
        raise ConfigInvalid(f"--require: {error}") from None
    check_known(platforms, policy.known_platforms, "--require")
    requirements = (*policy.requirements, Requirement(platforms))
    return msgspec.structs.replace(policy, requirements=requirements)


async def look(
    targets: Sequence[Target],
    config: Config,
    access: Access,
    *,
    all_tags: bool = False,
    quiet: bool = False,
    looked: Callable[[Observation], None] = lambda observation: None,
) -> Looked:
    """Return what the targets are like now."""
    policy = config.policy
    seen = 0
    async with registries(config, access) as clients, progress_line(quiet=quiet) as show:

        def told(observation: Observation) -> None:
            nonlocal seen
            seen += 1
            show(f"{seen} looked at: {observation.reference.familiar}")
            looked(observation)

        expansion = Expansion(clients, all_tags=all_tags)
        found = await scan(
            expansion.groups(targets), rules=discover(), policy=policy, now=_now, looked=told
        )
    problems = (*found.problems, *expansion.problems)
    return _without_ignored(msgspec.structs.replace(found, problems=problems), policy)


def _without_ignored(found: Scan, policy: Policy) -> Looked:
    kept = tuple(
        item
        for item in found.findings
        if not any(
            ignore.covers(item.rule, item.registry, item.repository, item.tag, found.started_at)
            for ignore in policy.ignores
        )
    )
    return Looked(msgspec.structs.replace(found, findings=kept), len(found.findings) - len(kept))


def _now() -> datetime:
    return datetime.now(UTC)
