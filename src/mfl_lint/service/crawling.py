"""Open the database with a crawler for it; crawl once."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

from mfl_lint.alert.routing import STALE, announced, tells
from mfl_lint.config import Config
from mfl_lint.core.errors import ConfigInvalid
from mfl_lint.crawl.crawler import Crawler
from mfl_lint.crawl.crew import Spares
from mfl_lint.crawl.job import Progress
from mfl_lint.crawl.round import Show
from mfl_lint.registry.transport import Transport
from mfl_lint.report.material import counted
from mfl_lint.service.memory import calm_collector
from mfl_lint.store import forgetting, migrate, registries
from mfl_lint.store.engine import Store, open_store
from mfl_lint.store.queue_schema import check_possible, upgrade_queue

_LOG: Final = logging.getLogger("mfl_lint")


def utc_now() -> datetime:
    """Return the time, aware UTC."""
    return datetime.now(UTC)


def database_url(config: Config) -> str:
    """Return the database's URL, from the environment where the configuration says so."""
    name = config.database.url_env
    return variable(name, "database.url_env") if name else config.database.url


def log_crawled(name: str, progress: Progress) -> None:
    """Log that a registry was crawled."""
    problem = f"; {progress.problem}" if progress.problem else ""
    _LOG.info("crawled %s: %s%s", name, counted(progress.tags, "tag"), problem)


def variable(name: str, said_by: str) -> str:
    """Return what an environment variable holds; ConfigInvalid where it holds nothing."""
    value = os.environ.get(name, "").strip()
    if not value:
        raise ConfigInvalid(f"{said_by}: the environment variable {name} is not set")
    return value


def bring_up_to_date(config: Config, url: str) -> str:
    """Make the database's tables those of this release, the queue's too; return the revision."""
    queued = config.queue.backend == "postgresql"
    if queued:
        check_possible(url)
    revision = migrate.upgrade(url)
    if queued:
        upgrade_queue(url)
    return revision


async def sync_registries(store: Store, config: Config, *, serves: bool = True) -> None:
    """Make the configured registries the watched ones, and news of those that a route names.

    What was news stays so where these settings tell nobody, or are not those of a service
    (`serves`): news wait for whoever tells them. News that nobody told for too long are dropped.
    """
    now, news = utc_now(), announced(config.alert, [one.name for one in config.registries])
    only = serves and tells(config.alert)
    await registries.sync_registries(store, config.registries, now, news, only=only)
    await forgetting.forget_news(store, now - STALE)


@asynccontextmanager
async def open_crawler(
    config: Config, *, at_once: bool = False
) -> AsyncIterator[tuple[Store, Crawler]]:
    """Bring the database up to date, open it, and yield it with a crawler for it.

    `at_once`: nothing but a crawl is done, and begins at once: whoever may help with it is
    started meanwhile, and the event loop waits for the database.
    """
    url, spares = database_url(config), Spares()
    try:
        if at_once:
            await spares.prepare(config)
        await asyncio.to_thread(bring_up_to_date, config, url)
        calm_collector()
        async with (
            open_store(url, at_once=at_once) as store,
            Transport(config.http, environment=dict(os.environ)) as transport,
        ):
            await sync_registries(store, config, serves=not at_once)
            yield store, Crawler(store, transport, config, utc_now, url=url, spares=spares)
    finally:
        await spares.close()


async def crawl_once(
    config: Config,
    names: Sequence[str],
    *,
    show: Show,
    accept_vanished: bool = False,
    tell: Callable[[Store], Awaitable[None]] | None = None,
) -> tuple[Progress, ...]:
    """Crawl the named registries (all where none is named), one after the other.

    `tell` is given the store when all are crawled.
    """
    known = [registry.name for registry in config.registries]
    if not known:
        raise ConfigInvalid(
            "no registry is configured: add a [[registry]] to the settings; where there are none, "
            "`mfl-lint config init` writes a file with an example"
        )
    for name in names:
        if name not in known:
            raise ConfigInvalid(f"no registry is called {name!r:.60}; there are {', '.join(known)}")
    async with open_crawler(config, at_once=True) as (store, crawler):
        ended = [
            await crawler.crawl(name, show=show, accept_vanished=accept_vanished)
            for name in dict.fromkeys(names or known)
        ]
        if tell is not None:
            await tell(store)
    return tuple(progress for progress in ended if progress is not None)
