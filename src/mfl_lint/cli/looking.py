"""Look and judge once as `scan` and `inspect` do, and leave out what the policy ignores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec

from mfl_lint.cli.asked import Expansion
from mfl_lint.cli.connect import Access, registries
from mfl_lint.cli.failures import say
from mfl_lint.cli.files import Mentioned, with_places
from mfl_lint.cli.progress import progress_line
from mfl_lint.cli.tags import TagChoice
from mfl_lint.config import Config
from mfl_lint.core.observation import Observation
from mfl_lint.core.policy import Policy
from mfl_lint.core.scan import Scan
from mfl_lint.crawl.scan import scan
from mfl_lint.registry.deep import DeepReader
from mfl_lint.registry.layer_memory import RunMemory
from mfl_lint.registry.target import Target
from mfl_lint.rules import discover


class Looked(msgspec.Struct, frozen=True):
    """A scan without the findings that the policy ignores, and the fingerprints of these."""

    scan: Scan
    hidden: frozenset[str] = frozenset()

    @property
    def ignored(self) -> int:
        """Return how many findings the policy ignores."""
        return len(self.hidden)


class Extent(msgspec.Struct, frozen=True):
    """How far a look goes; `check_blobs` and `deep` as in `crawl.scan`.

    Of the references that files name (`named`) only the tag that they name is looked at.
    """

    tags: TagChoice = TagChoice()
    named: Mentioned = Mentioned()
    check_blobs: bool = False
    deep: bool = False


async def look(
    targets: Sequence[Target],
    config: Config,
    access: Access,
    extent: Extent = Extent(),  # noqa: B008  # frozen
    *,
    quiet: bool = False,
    looked: Callable[[Observation], None] = lambda observation: None,
) -> Looked:
    """Return what the targets, and what files name, are like now."""
    async with registries(config, access) as clients, progress_line(quiet=quiet) as show:
        shown = _Shown(show, looked)
        inside = shown.inside = DeepReader(RunMemory(), config.deep, shown.read)
        expansion = Expansion(clients, extent.tags, extent.named.required)
        found = await scan(
            expansion.groups(targets, extent.named.references),
            rules=discover(),
            policy=config.policy,
            now=now,
            looked=shown.told,
            check_blobs=extent.check_blobs,
            inside=inside,
            deep=extent.deep,
        )
    for note in expansion.notes:
        say(f"note: {note}")
    problems = (*found.problems, *expansion.problems)
    found = with_places(msgspec.structs.replace(found, problems=problems), extent.named)
    return _without_ignored(found, config.policy)


class _Shown:
    """Shows how far the look is, and passes on what was seen."""

    def __init__(self, show: Callable[[str], None], looked: Callable[[Observation], None]) -> None:
        self.inside: DeepReader | None = None
        self._show = show
        self._looked = looked
        self._seen = 0

    def told(self, observation: Observation) -> None:
        self._seen += 1
        self._show(f"{self._seen} looked at: {observation.reference.familiar}")
        self._looked(observation)

    def read(self) -> None:
        if self.inside is not None:
            megabytes = self.inside.received_bytes / 1e6
            self._show(f"{self.inside.layers} layers read, {megabytes:,.0f} MB")


def _without_ignored(found: Scan, policy: Policy) -> Looked:
    kept = tuple(
        item
        for item in found.findings
        if not any(
            ignore.covers(item.rule, item.registry, item.repository, item.tag, found.started_at)
            for ignore in policy.ignores
        )
    )
    hidden = {item.fingerprint for item in found.findings} - {item.fingerprint for item in kept}
    return Looked(msgspec.structs.replace(found, findings=kept), frozenset(hidden))


def now() -> datetime:
    """Return the time, aware UTC."""
    return datetime.now(UTC)
