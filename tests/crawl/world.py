"""A registry that misbehaves, a store, a crawler and a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

import msgspec

from mfl_lint.config import Config, CrawlConfig, CredentialsConfig, HttpConfig, RegistryConfig
from mfl_lint.core.policy import Policy
from mfl_lint.core.records import Content, TagState
from mfl_lint.core.reference import Reference
from mfl_lint.core.rule import Rule
from mfl_lint.core.scan import Scan
from mfl_lint.core.views import FindingFilter, TransitionView
from mfl_lint.crawl.crawler import Crawler
from mfl_lint.crawl.job import Job, Progress, RepositoryResult
from mfl_lint.crawl.scan import Asked, scan
from mfl_lint.demo.build import Built
from mfl_lint.demo.images import place
from mfl_lint.registry.client import RegistryClient
from mfl_lint.registry.transport import Transport
from mfl_lint.rules import discover, judged_hash
from mfl_lint.store import dump, observations, registries, views
from mfl_lint.store.engine import Store
from tests.fault_registry import FaultRegistry, Match

NAME: Final = "here"
DOCUMENTS: Final[Match] = ("GET", r"/(manifests|blobs)/")
HEADS: Final[Match] = ("HEAD", r"/manifests/")
ROUND_S: Final = 3600.0


class Clock:
    """The time of a test: it stands still until somebody sleeps or moves it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        """Return the time, aware UTC."""
        return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        """Return the seconds since the test began."""
        return self.seconds

    def wall(self) -> float:
        """Return the seconds since the epoch."""
        return self.now().timestamp()

    async def sleep(self, seconds: float) -> None:
        """Be late by so much."""
        self.seconds += seconds


class World:
    """All that a crawl needs; `settings`, `policy` and `config` may be changed between crawls."""

    def __init__(self, registry: FaultRegistry, store: Store, transport: Transport, clock: Clock):
        self.registry = registry
        self.store = store
        self.clock = clock
        self.transport = transport
        self.settings = CrawlConfig()
        self.policy = Policy(settle_s=0.0)
        self.config = RegistryConfig(
            name=NAME, host=registry.host, credentials=CredentialsConfig(anonymous=True)
        )

    def place(self, repository: str, built: Built, *tags: str) -> None:
        """Push something."""
        place(self.registry.demo, repository, built, *tags)

    def change(self, **settings: Any) -> None:
        """Change the registry's configuration."""
        self.config = msgspec.structs.replace(self.config, **settings)

    def change_settings(self, **settings: Any) -> None:
        """Change the crawl's settings."""
        self.settings = msgspec.structs.replace(self.settings, **settings)

    def change_policy(self, **settings: Any) -> None:
        """Change the policy."""
        self.policy = msgspec.structs.replace(self.policy, **settings)

    def crawler(self) -> Crawler:
        """Return a crawler of its own, as another process would have one."""
        config = Config(registries=(self.config,), crawl=self.settings, policy=self.policy)
        return Crawler(self.store, self.transport, config, self.clock.now)

    def job(self, *, rules: tuple[Rule, ...] | None = None, holder: str = "test") -> Job:
        """Return what the functions below the crawler work with."""
        chosen = discover() if rules is None else rules
        return Job(
            store=self.store,
            source=RegistryClient(self.config, self.transport),
            registry=self.config,
            settings=self.settings,
            policy=self.policy,
            rules=chosen,
            judged_hash=judged_hash(chosen, self.policy),
            holder=holder,
            now=self.clock.now,
            requests=lambda: 0,
        )

    async def crawl(
        self,
        after_s: float = ROUND_S,
        *,
        only: Sequence[str] | None = None,
        accept_vanished: bool = False,
    ) -> Progress:
        """Crawl once, so many seconds after the last time; the request log is this crawl's."""
        self.clock.seconds += after_s
        self.registry.requests.clear()
        await registries.sync_registries(self.store, [self.config], self.clock.now())
        progress = await self.crawler().crawl(NAME, only=only, accept_vanished=accept_vanished)
        assert progress is not None
        return progress

    async def look(self, repository: str, *tags: str) -> RepositoryResult | None:
        """Look at single tags; the request log is this look's."""
        self.registry.requests.clear()
        await registries.sync_registries(self.store, [self.config], self.clock.now())
        return await self.crawler().look(NAME, repository, tags)

    async def scan(
        self, repository: str, *tags: str, rules: Sequence[Rule] | None = None, **asked: Any
    ) -> Scan:
        """Scan some tags of one repository, as the command does."""
        source = RegistryClient(self.config, self.transport)

        async def groups() -> AsyncIterator[Asked]:
            references = tuple(Reference(self.config.host, repository, tag) for tag in tags)
            yield Asked(source, self.config, references, **asked)

        return await scan(
            groups(),
            rules=discover() if rules is None else rules,
            policy=self.policy,
            now=self.clock.now,
        )

    def asked(self, match: Match) -> list[str]:
        """Return what the last crawl asked for, method and path."""
        return [f"{one.method} {one.path}" for one in self.registry.matching(*match)]

    async def found(
        self, *states: str, watched: bool = True, rules: Collection[str] = ()
    ) -> list[str]:
        """Return the findings in some states (open ones), as `repository:tag RULE`."""
        wanted = FindingFilter(states=states or ("open",), watched=watched)
        page = await views.findings_page(self.store, wanted, limit=1000)
        items = [*page.items]
        while page.next_cursor is not None:
            page = await views.findings_page(
                self.store, wanted, cursor=page.next_cursor, limit=1000
            )
            items += page.items
        return sorted(
            f"{item.finding.repository}:{item.finding.tag} {item.finding.rule}"
            for item in items
            if not rules or item.finding.rule in rules
        )

    async def transitions(self) -> list[TransitionView]:
        """Return every transition, the oldest first."""
        page = await views.transitions_page(self.store, limit=5000)
        assert page.next_cursor is None
        return sorted(page.items, key=lambda item: (item.transition.at, item.transition.id))

    async def changes(self) -> list[str]:
        """Return every transition as `tag RULE change`, in order of time and name."""
        told = [
            (x.transition.at, f"{x.finding.tag} {x.finding.rule} {x.transition.change}")
            for x in await self.transitions()
        ]
        return [text for _, text in sorted(told)]

    async def tag(self, repository: str, name: str) -> TagState:
        """Return what the store knows of a tag."""
        return (await self.tags(repository))[name]

    async def tags(self, repository: str) -> dict[str, TagState]:
        """Return what the store knows of a repository's tags."""
        held = await registries.repository(self.store, NAME, repository)
        return await observations.known_tags(self.store, held.id) if held else {}

    async def notice(self) -> str:
        """Return the registry's notice."""
        view = await views.registry(self.store, NAME)
        assert view is not None
        return view.notice

    async def documents(self) -> dict[str, Content]:
        """Return the documents that are kept, by digest."""
        kept = (await dump.canonical_dump(self.store))["documents"]
        assert isinstance(kept, list)
        found = await observations.contents(self.store, [row[0] for row in kept])
        return dict(found.items())


@asynccontextmanager
async def made_world(
    registry: FaultRegistry, store: Store, http: HttpConfig | None = None
) -> AsyncIterator[World]:
    """Yield a world; pauses between tries move its clock and take no time."""
    clock = Clock()
    async with Transport(
        http or HttpConfig(timeout_s=5.0),
        clock=clock.monotonic,
        wall=clock.wall,
        sleep=clock.sleep,
        random=Random(1),
    ) as transport:
        yield World(registry, store, transport, clock)
