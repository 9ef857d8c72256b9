"""Crawl configured registries in this process, each at most once at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime

import msgspec

from mfl_lint.config import Config, RegistryConfig
from mfl_lint.core.observation import LookState
from mfl_lint.core.records import CrawlRecord, CrawlStatus
from mfl_lint.crawl.asked import NO_CRAWL, look_at_tags
from mfl_lint.crawl.crew import Crew, Spares
from mfl_lint.crawl.facts import is_worded
from mfl_lint.crawl.holder import new_holder
from mfl_lint.crawl.inside import StoreMemory
from mfl_lint.crawl.job import Job, Progress, RepositoryResult
from mfl_lint.crawl.names import judge_names
from mfl_lint.crawl.round import Show, crawl_registry
from mfl_lint.crawl.vanished import settle_vanished
from mfl_lint.registry.client import RegistryClient
from mfl_lint.registry.credentials import Keychain
from mfl_lint.registry.deep import DeepReader
from mfl_lint.registry.traffic import Stats
from mfl_lint.registry.transport import Transport
from mfl_lint.rules import discover, judged_hash
from mfl_lint.store.engine import Store

# A registry's name, and the repositories that are crawled of it, none for all.
Running = tuple[str, tuple[str, ...]]


class Crawler:
    """Crawls registries of `config`, which may be replaced between crawls. `now`: aware UTC.

    `url` is the store's, for other processes that help; without it nobody helps. `spares` are
    such processes, started already. `holder` gives the names under which repositories are held.
    """

    def __init__(
        self,
        store: Store,
        transport: Transport,
        config: Config,
        now: Callable[[], datetime],
        *,
        url: str = "",
        spares: Spares | None = None,
        holder: Callable[[], str] = new_holder,
    ) -> None:
        self._new_holder = holder
        self.config = config
        self._now = now
        self._url = url
        self._spares = spares or Spares()
        self._store = store
        self._transport = transport
        self._rules = discover()
        self._holder = holder()
        self._running: dict[Running, Progress] = {}

    async def crawl(
        self,
        name: str,
        *,
        only: Sequence[str] | None = None,
        show: Show = lambda progress: None,
        accept_vanished: bool = False,
        hurried: bool = True,
        recheck: bool = False,
    ) -> Progress | None:
        """Crawl a registry, or `only` some repositories; None where it is running or unknown.

        Of `only` some repositories any number may run, beside each other and a whole crawl; at
        the host they go before others that wait, where they are `hurried`. With `recheck` what
        lists name is looked at however lately it was.
        """
        registry, key = self.config.registry(name), (name, tuple(only or ()))
        if registry is None or key in self._running:
            return None

        def note(progress: Progress) -> None:
            self._running[key] = progress
            show(progress)

        client = self.client(registry, hurried=hurried and only is not None)
        job = self.job(registry, client, recheck=recheck)
        crew = None
        if only is not None:
            # It takes no repository from a crawl of this process: they hold them apart.
            job = replace(job, holder=self._new_holder())
        elif self._url:
            crew = Crew(self.config, self._url, client, self._transport.stats, self._spares)
        self._running[key] = Progress(0, name, self._now())
        try:
            if accept_vanished:
                await settle_vanished(job, accept=True)
            return await crawl_registry(job, crew, only=only, show=note)
        finally:
            del self._running[key]
            await client.close()

    async def look(
        self,
        name: str,
        repository: str,
        tags: Collection[str],
        *,
        hurried: bool = True,
        recheck: bool = False,
    ) -> RepositoryResult | None:
        """Look at tags of a repository, ahead of crawls; None while somebody else holds it.

        `recheck` as for `crawl`.
        """
        registry = self.config.registry(name)
        if registry is None:
            return RepositoryResult(repository, LookState.ABSENT)
        client = self.client(registry, hurried=hurried)
        job = replace(
            self.job(registry, client, recheck=recheck),
            holder=self._new_holder(),
            partial=True,
            round_since=self._now(),
        )
        try:
            result = await look_at_tags(job, repository, tags)
            if result is not None and is_worded(repository):
                await judge_names(job, Progress(NO_CRAWL, name, self._now()), only=[repository])
            return result
        finally:
            await client.close()

    def client(self, registry: RegistryConfig, *, hurried: bool = False) -> RegistryClient:
        """Return what asks the registry."""
        keychain = Keychain.load(os.environ)
        return RegistryClient(registry, self._transport, keychain=keychain, hurried=hurried)

    def job(
        self, registry: RegistryConfig, client: RegistryClient, *, recheck: bool = False
    ) -> Job:
        """Return what a crawl of the registry works with, without a crew; `recheck` as there."""
        stats, settings = self._transport.stats, self.config.crawl
        if recheck:
            settings = msgspec.structs.replace(settings, presence_age_s=0.0)
        before = stats.requests
        inside = DeepReader(StoreMemory(self._store, self._now), self.config.deep)
        return Job(
            store=self._store,
            source=client,
            registry=registry,
            settings=settings,
            policy=self.config.policy,
            rules=self._rules,
            judged_hash=judged_hash(self._rules, self.config.policy) + _way_to_judge(registry),
            holder=self._holder,
            now=self._now,
            requests=lambda: stats.requests - before,
            inside=inside if registry.deep else None,
        )

    @property
    def transport(self) -> Transport:
        """Return what registries are asked through."""
        return self._transport

    def traffic(self) -> Stats:
        """Return what was asked of registries so far."""
        return self._transport.stats

    def live(self) -> tuple[CrawlRecord, ...]:
        """Return the crawls that run now, with figures newer than the store's."""
        return tuple(
            CrawlRecord(
                id=progress.crawl_id,
                registry=progress.registry,
                status=CrawlStatus.RUNNING,
                started_at=progress.started_at,
                repositories=progress.repositories,
                repositories_done=progress.repositories_done,
                tags=progress.tags,
                requests=progress.requests,
                opened=progress.opened,
                resolved=progress.resolved,
                problem=progress.problem,
                partial=progress.partial,
            )
            for progress in self._running.values()
            if progress.crawl_id
        )


def _way_to_judge(registry: RegistryConfig) -> str:
    """Return what of a registry's settings is another way to judge: changed, it is judged anew."""
    ways = {"+": registry.deep, "s": registry.sparse, "p": registry.proxy}
    return "".join(mark for mark, is_on in ways.items() if is_on)
