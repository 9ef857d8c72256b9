"""Looks more often at what is hot of a registry: some tags, or all of some repositories."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Final

from mfl_lint.config import HotConfig
from mfl_lint.core.errors import LeaseLost, MflLintError
from mfl_lint.core.policy import any_glob
from mfl_lint.core.records import RepositoryState
from mfl_lint.crawl.crawler import Crawler
from mfl_lint.store import observations, registries
from mfl_lint.store.engine import Store

_LOG: Final = logging.getLogger("mfl_lint")
_AT_ONCE: Final = 4


async def look_at_hot(store: Store, crawler: Crawler, name: str, number: int) -> None:
    """Look at what is hot of a registry, by its number there.

    What somebody else crawls is left out. A failure is logged, and ends this time only.
    """
    registry = crawler.config.registry(name)
    if registry is None or number >= len(registry.hot):
        return
    hot = registry.hot[number]
    try:
        known = await hot_repositories(store, name, hot)
        if hot.tags:
            turns = asyncio.Semaphore(_AT_ONCE)
            looks = (_look(store, crawler, hot, one, turns) for one in known)
            await asyncio.gather(*looks)
        elif known:
            await crawler.crawl(name, only=[one.name for one in known], hurried=False)
    except MflLintError as error:
        _LOG.error("what is hot of %s is looked at later: %s", name, error)
    except Exception:
        _LOG.exception("what is hot of %s could not be looked at", name)


async def hot_repositories(store: Store, name: str, hot: HotConfig) -> list[RepositoryState]:
    """Return the repositories of a registry of which something is hot."""
    return [
        one
        for one in await registries.repositories(store, name)
        if one.watched and one.gone_at is None and any_glob(hot.repositories, one.name)
    ]


async def hot_tags(store: Store, at: RepositoryState, hot: HotConfig) -> list[str]:
    """Return the tags that are hot of those that are known of a repository."""
    stored = await observations.known_tags(store, at.id)
    return [
        name
        for name, state in stored.items()
        if state.watched and state.gone_at is None and any_glob(hot.tags, name)
    ]


async def _look(
    store: Store, crawler: Crawler, hot: HotConfig, at: RepositoryState, turns: asyncio.Semaphore
) -> None:
    """Look at the hot tags that are known of one repository."""
    async with turns:
        tags = await hot_tags(store, at, hot)
        if not tags:
            return
        with suppress(LeaseLost):
            await crawler.look(at.registry, at.name, tags, hurried=False)
