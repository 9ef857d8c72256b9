"""A registry to push to, plans, and an audit that only remembers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from mfl_lint.config import CredentialsConfig, HttpConfig, RegistryConfig
from mfl_lint.core.digest import Digest
from mfl_lint.core.parse import parse_document
from mfl_lint.core.reference import Reference
from mfl_lint.mend.bringing import Child, Clients, Progress
from mfl_lint.mend.outcome import Outcome
from mfl_lint.mend.push import Intent, PushPlan, push
from mfl_lint.registry.client import RegistryClient
from mfl_lint.registry.transport import Transport
from tests.builders import Built
from tests.fault_registry import FaultRegistry

QUICK = HttpConfig(timeout_s=5, backoff_s=0.001, backoff_max_s=0.01, breaker_failures=1000)


class Remembered:
    """An audit that keeps what it was told; `began` is called at each beginning."""

    def __init__(self, began: Callable[[], object] = lambda: None) -> None:
        self.intents: list[Intent] = []
        self.outcomes: list[Outcome] = []
        self._began = began

    async def begin(self, intent: Intent) -> None:
        """Keep it."""
        self._began()
        self.intents.append(intent)

    async def end(self, outcome: Outcome) -> None:
        """Keep it."""
        self.outcomes.append(outcome)


def plan_for(
    host: str, name: str, built: Built, source: str, expected: Digest | None = None, **more: Any
) -> PushPlan:
    """Return the plan to push something built to `repository:tag`, its children in `source`.

    A source without a host is in the same registry.
    """
    document = parse_document(built.raw, built.media_type)
    lies = Reference.parse(source if "/" in source and ":" in source else f"{host}/{source}")
    children = tuple(Child(entry, lies) for entry in document.entries)
    target = Reference.parse(f"{host}/{name}")
    return PushPlan(target, built.raw, built.media_type, expected, children, **more)


def registry_client(host: str, transport: Transport) -> RegistryClient:
    """Return an anonymous client that speaks plain http."""
    settings = RegistryConfig(host, host, credentials=CredentialsConfig(anonymous=True))
    return RegistryClient(settings, transport)


@asynccontextmanager
async def clients(http: HttpConfig = QUICK) -> AsyncIterator[Clients]:
    """Yield clients of any host."""
    made: dict[str, RegistryClient] = {}
    async with Transport(http) as transport:
        yield lambda host: made.setdefault(host, registry_client(host, transport))


async def pushed(
    plan: PushPlan,
    audit: Remembered | None = None,
    http: HttpConfig = QUICK,
    progress: Callable[[Progress], None] = lambda progress: None,
) -> Outcome:
    """Carry a plan out."""
    async with clients(http) as found:
        return await push(plan, found, audit or Remembered(), progress=progress)


def tag_of(registry: FaultRegistry, name: str) -> Digest | None:
    """Return what `repository:tag` points at now."""
    repository, _, tag = name.partition(":")
    stored = registry.demo.manifest(repository, tag)
    return stored.digest if stored else None
