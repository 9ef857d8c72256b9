"""The long-running service: crawls on schedule and looks on request, over one store."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import defaultdict
from collections.abc import Callable, Coroutine
from datetime import datetime
from functools import partial
from importlib.util import find_spec
from typing import Any, Final

from aiohttp import web

from mfl_lint.config import Config
from mfl_lint.config_serve import ServeConfig
from mfl_lint.core.errors import ConfigInvalid, MflLintError
from mfl_lint.core.records import CrawlRecord, CrawlStatus
from mfl_lint.core.views import Page
from mfl_lint.crawl.crawler import Crawler
from mfl_lint.crawl.public import look_public
from mfl_lint.crawl.schedule import Schedule, trigger_of
from mfl_lint.mend.mender import Mender
from mfl_lint.rules import discover
from mfl_lint.service.alerting import dispatch
from mfl_lint.service.crawling import log_crawled, sync_registries, utc_now
from mfl_lint.service.dispatch import Dispatch
from mfl_lint.service.hot import look_at_hot
from mfl_lint.service.looker import Looker
from mfl_lint.service.reloading import Lasting, log_kept, log_reloaded
from mfl_lint.service.upkeep import CHECKED_EVERY_S, keep_within
from mfl_lint.store import crawls
from mfl_lint.store.engine import Store
from mfl_lint.store.users import any_user
from mfl_lint.web.application import create_app
from mfl_lint.web.gate import LOOPBACK, is_vouched
from mfl_lint.web.hook_proof import secret_of
from mfl_lint.web.services import Services

_LOG: Final = logging.getLogger("mfl_lint")
_ANY_ADDRESS: Final = ("0.0.0.0", "::", "")  # noqa: S104  # so that it is told apart
_ENDED: Final = (CrawlStatus.DONE, CrawlStatus.FAILED)


def check_served(config: Config) -> None:
    """Raise ConfigInvalid for what cannot be served: no name, a bad cron, a secret not there."""
    if config.serve.host in _ANY_ADDRESS and not config.serve.hosts:
        raise ConfigInvalid(
            f"serve.hosts: {config.serve.host} is every address of this machine; say by which "
            "names pages are reached"
        )
    if config.serve.oidc.issuer and find_spec("joserfc") is None:
        raise ConfigInvalid("serve.oidc: it needs more: pip install '.[oidc]'")
    for registry in config.registries:
        trigger_of(registry, config.crawl.jitter)
    for hook in config.hooks:
        secret_of(hook)


async def check_guarded(store: Store, config: Config, *, insecure: bool) -> None:
    """Raise ConfigInvalid where others could reach pages that ask nobody who they are."""
    check_known(config.serve, has_users=await any_user(store), insecure=insecure)


def check_known(serve: ServeConfig, *, has_users: bool, insecure: bool) -> None:
    """Raise ConfigInvalid where nobody is known and others than this machine's could come."""
    guarded = serve.host in LOOPBACK or is_vouched(serve)
    if not (guarded or insecure or has_users):
        raise ConfigInvalid(
            f"serve.host: {serve.host} is not loopback, and nobody would be asked who they are: "
            "add a user (`mfl-lint users add NAME --role admin`), or set serve.proxy or "
            "serve.oidc, or insist with --insecure-no-auth"
        )


class Server:
    """Schedule and pages over one store. `load` reads the configuration anew.

    `queue_url` is that of the database whose queue workers crawl from: then this process does not.

    `insecure`: everything is shown to everybody, wherever it is served, while nobody is known.
    """

    def __init__(
        self,
        store: Store,
        crawler: Crawler,
        load: Callable[[], Config],
        *,
        looks_every_s: float,
        insecure: bool = False,
        queue_url: str = "",
    ) -> None:
        self._store = store
        self._crawler = crawler
        self._load = load
        self._looker = Looker(store, crawler, utc_now, looks_every_s)
        self._dispatch: Dispatch | None = None
        if queue_url:
            self._dispatch = Dispatch(store, queue_url, lambda: crawler.config, utc_now, self._plan)
        self._insecure = insecure
        self._pushing = self._mender()
        self._schedule = Schedule(self._scheduled, self._scheduled_hot, utc_now)
        self._lasting = Lasting(crawler.config)
        self._begun: dict[str, datetime] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._reloading = asyncio.Lock()
        self._tasks: set[asyncio.Task[object]] = set()
        self._stopping = False

    def application(self) -> web.Application:
        """Return the pages."""
        services = Services(
            store=self._store,
            config=lambda: self._crawler.config,
            rules=discover(),
            now=utc_now,
            next_crawl=self._schedule.next_run,
            live=(self._dispatch or self._crawler).live,
            insecure=self._insecure,
            hurry=self._looker.hurry,
            look=partial(look_public, rules=discover(), now=utc_now),
            traffic=self._crawler.traffic,
            mender=self._pushing,
        )
        app = create_app(services)
        app.on_cleanup.append(self._finish_pushes)
        return app

    async def _finish_pushes(self, _: web.Application) -> None:
        """Let no push be cut off by the store's end."""
        await self._pushing.close()

    def _mender(self) -> Mender:
        """Return what pushes for people, as far as the configuration allows it."""
        crawler = self._crawler
        return Mender(
            self._store, crawler.transport, lambda: crawler.config, discover(), utc_now, os.environ
        )

    async def start(self) -> None:
        """Plan the crawls and begin."""
        await self._plan()
        self._begin(dispatch(self._store, lambda: self._crawler.config, self._leading))
        self._begin((self._dispatch or self._looker).run())
        self._schedule.every("retention", CHECKED_EVERY_S, self._retain)
        self._schedule.start()

    async def stop(self) -> None:
        """Begin nothing more and break off what runs: it goes on at the next start."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # Last: the scheduler takes jobs that it has to break off itself for crashed ones.
        self._schedule.stop()

    def ask_reload(self) -> None:
        """Reload in the background, after a reload that is going on."""
        self._begin(self._reload())

    async def _reload(self) -> None:
        """Read the configuration again; a bad one is said and changes nothing."""
        async with self._reloading:
            try:
                config = self._load()
                check_served(config)
                await sync_registries(self._store, config)
            except MflLintError as error:
                log_kept(error)
                return
            self._crawler.config = self._lasting.keep(config)
            await self._plan()
            log_reloaded(config)

    async def _plan(self) -> None:
        """Plan the crawls. One that was broken off goes on at once."""
        config, last = self._crawler.config, dict(self._begun)
        for registry in config.registries:
            if registry.name not in last:
                page = await crawls.crawls(self._store, registry.name, limit=1, whole=True)
                if page.items and (page.items[0].status in _ENDED or self._is_under_way(page)):
                    last[registry.name] = page.items[0].started_at
        self._schedule.plan(config.registries, jitter=config.crawl.jitter, last=last, now=utc_now())

    def _is_under_way(self, page: Page[CrawlRecord]) -> bool:
        """Say whether workers carry the last crawl out: no service's end breaks that off."""
        return self._dispatch is not None and page.items[0].status is CrawlStatus.RUNNING

    def _begin(self, work: Coroutine[Any, Any, object]) -> asyncio.Task[object]:
        """Run something that ends with the service."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _dispatched(self, enqueuing: Coroutine[Any, Any, object]) -> None:
        """Enqueue something; a failure is logged, and is no more than a crawl that comes later."""
        try:
            await enqueuing
        except MflLintError as error:
            _LOG.error("what is due is enqueued later: %s", error)

    async def _scheduled(self, name: str) -> None:
        if self._dispatch is not None:
            await self._dispatched(self._dispatch.crawl(name))
        elif not self._stopping:
            await asyncio.wait([self._begin(self._crawl(name))])

    async def _scheduled_hot(self, name: str, number: int) -> None:
        if self._dispatch is not None:
            await self._dispatched(self._dispatch.look_at_hot(name, number))
        elif not self._stopping:
            await asyncio.wait([self._begin(look_at_hot(self._store, self._crawler, name, number))])

    async def _retain(self) -> None:
        """Remove what is over, where this is the service that does so for all."""
        store = self._leading()
        if store is not None and not self._stopping:
            settings = self._crawler.config.retention
            await asyncio.wait([self._begin(keep_within(store, settings, utc_now()))])

    def _leading(self) -> Store | None:
        """Return the store for what one service does for all; None while another one does it."""
        return self._store if self._dispatch is None else self._dispatch.led_store()

    async def _crawl(self, name: str) -> None:
        """Crawl in turn, and log; a failure ends this crawl, never the service."""
        async with self._turns[name]:
            self._begun[name] = utc_now()
            try:
                progress = await self._crawler.crawl(name)
            except MflLintError as error:
                _LOG.error("the crawl of %s ended early: %s", name, error)
                return
            except Exception:
                _LOG.exception("the crawl of %s broke", name)
                return
        if progress is not None:
            log_crawled(name, progress)
