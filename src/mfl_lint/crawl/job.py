"""What a crawl works with: the values and clients that are wired once and handed down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from mfl_lint.config import CrawlConfig, RegistryConfig
from mfl_lint.core.observation import LookState
from mfl_lint.core.policy import Policy
from mfl_lint.core.rule import Rule
from mfl_lint.crawl.holder import has_ended
from mfl_lint.registry.deep import DeepReader
from mfl_lint.registry.source import Source
from mfl_lint.store.engine import Store


@dataclass(frozen=True, slots=True)
class Job:
    """Everything that crawling one registry needs. `holder` names this process in leases.

    `has_ended` says of another's name that its process is known to be over. `round_since` is
    when this round began, the interrupted crawls that it goes on with included. `partial`: only
    some repositories are looked at. `resume_since`: tags that were looked at since then are left
    out, because whoever was killed at the same job has done them. `inside` reads layers where the
    registry is configured so.

    `judged_hash` is the fingerprint of rules and policy; `now` gives aware UTC; `requests`
    counts what was asked of the registry since the job was made.
    """

    store: Store
    source: Source
    registry: RegistryConfig
    settings: CrawlConfig
    policy: Policy
    rules: tuple[Rule, ...]
    judged_hash: str
    holder: str
    now: Callable[[], datetime]
    requests: Callable[[], int]
    has_ended: Callable[[str], bool] = has_ended
    round_since: datetime | None = None
    partial: bool = False
    resume_since: datetime | None = None
    inside: DeepReader | None = None


@dataclass(slots=True)
class Progress:
    """How far a crawl of one registry is; read by whoever shows it.

    `unseen` of the `repositories_done` could not be looked at; `held`: how many repositories were
    left out because somebody else holds them; `failed`: in which ways looks failed.
    """

    crawl_id: int
    registry: str
    started_at: datetime
    repositories: int = 0
    repositories_done: int = 0
    unseen: int = 0
    tags: int = 0
    opened: int = 0
    resolved: int = 0
    requests: int = 0
    layers: int = 0
    held: int = 0
    problem: str = ""
    partial: bool = False
    failed: frozenset[LookState] = frozenset()


class RepositoryResult(msgspec.Struct, frozen=True):
    """How one repository's crawl ended.

    `look` is how its listing ended; `tags` were looked at, `looked` of them with success.
    `detail` is one line for people where something failed; `failed`: how tags failed that did.
    """

    repository: str
    look: LookState
    tags: int = 0
    looked: int = 0
    opened: int = 0
    resolved: int = 0
    detail: str = ""
    failed: tuple[LookState, ...] = ()

    @property
    def problem(self) -> str:
        """Return what is wrong, "" for nothing: a catalogue may list what has no tag."""
        absent = self.look is LookState.ABSENT
        return f"{self.repository}: {self.detail}" if self.detail and not absent else ""
