"""Reading what the overview, the registries' pages and the lists of crawls show."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import msgspec
from aiohttp import web

from mfl_lint.core.policy import glob_matches
from mfl_lint.core.records import BrokenTag, Counts, RegistryView
from mfl_lint.store import crawls, views
from mfl_lint.web import present
from mfl_lint.web.answers import (
    BrokenItem,
    CrawlAnswer,
    CrawlsAnswer,
    OverviewAnswer,
    RegistriesAnswer,
    RegistryAnswer,
    RegistryItem,
    RepositoriesAnswer,
)
from mfl_lint.web.query import Query
from mfl_lint.web.services import Services

_BROKEN: Final = 12
_CHANGES: Final = 12
_DAYS: Final = 30


async def read_overview(
    services: Services, match: Mapping[str, str], query: Query
) -> OverviewAnswer:
    """Return everything watched, at a glance."""
    store, now = services.store, services.now()
    known = await views.registries(store)
    changes = await views.transitions_page(store, since=now - timedelta(days=1), limit=_CHANGES)
    return OverviewAnswer(
        counts=present.sum_counts(view.counts for view in known if view.watched),
        registries=tuple(_registry_item(services, view) for view in known),
        broken=await _broken(services),
        changes=tuple(map(present.change_item, changes.items)),
        days=await views.days(store, None, _DAYS, now=now),
        crawls=tuple(map(present.crawl_item, services.live())),
    )


async def _broken(services: Services) -> tuple[BrokenItem, ...]:
    """Return the worst tags, without what is ignored."""
    found = await views.broken_tags(services.store, 2 * _BROKEN)
    items = [await _counted(services, broken) for broken in found]
    return tuple(item for item in items if item is not None)[:_BROKEN]


async def _counted(services: Services, broken: BrokenTag) -> BrokenItem | None:
    """Count a tag's findings again if an ignore may cover some; None if none are left."""
    policy, now, item = services.config().policy, services.now(), present.broken_item(broken)
    place = (broken.registry, broken.repository, broken.tag)
    if not any(
        all(map(glob_matches, (one.registry, one.repository, one.tag), place))
        for one in policy.ignores
    ):
        return item
    row = await views.tag(services.store, *place)
    if row is None:
        return item
    counts = present.counts_of(present.finding_item(one, policy, now) for one in row.findings)
    return msgspec.structs.replace(item, counts=counts) if counts != Counts() else None


async def read_registries(
    services: Services, match: Mapping[str, str], query: Query
) -> RegistriesAnswer:
    """Return all registries."""
    known = await views.registries(services.store)
    return RegistriesAnswer(items=tuple(_registry_item(services, view) for view in known))


async def read_registry(
    services: Services, match: Mapping[str, str], query: Query
) -> RegistryAnswer:
    """Return one registry; 404 if it is not known."""
    return RegistryAnswer(registry=await registry_of(services, match["registry"]))


async def read_repositories(
    services: Services, match: Mapping[str, str], query: Query
) -> RepositoriesAnswer:
    """Return a registry with its repositories; 404 if it is not known."""
    registry = await registry_of(services, match["registry"])
    page = await views.repositories_page(
        services.store,
        registry.name,
        glob=query.text("repository"),
        cursor=query.cursor,
        limit=query.limit,
    )
    return RepositoriesAnswer(
        registry=registry,
        items=tuple(map(present.repository_item, page.items)),
        next_cursor=page.next_cursor,
    )


async def read_crawls(services: Services, match: Mapping[str, str], query: Query) -> CrawlsAnswer:
    """Return the crawls, newest first, of one registry or of all."""
    page = await crawls.crawls(
        services.store, query.text("registry") or None, query.cursor, query.limit
    )
    live = services.live()
    return CrawlsAnswer(
        items=tuple(present.crawl_item(item, live) for item in page.items),
        next_cursor=page.next_cursor,
    )


async def read_crawl(services: Services, match: Mapping[str, str], query: Query) -> CrawlAnswer:
    """Return one crawl; 404 if there is none of that number."""
    number = int(match["id"])
    record = await crawls.crawl(services.store, number) if number < 2**63 else None
    if record is None:
        raise web.HTTPNotFound(text=f"there is no crawl {match['id'][:20]}")
    return CrawlAnswer(crawl=present.crawl_item(record, services.live()))


async def registry_of(services: Services, name: str) -> RegistryItem:
    """Return the registry; 404 if it is not known."""
    view = await views.registry(services.store, name) if name.isprintable() else None
    if view is None:
        raise web.HTTPNotFound(text=f"no registry is called {name[:100]!a}")
    return _registry_item(services, view)


def _registry_item(services: Services, view: RegistryView) -> RegistryItem:
    planned = services.next_crawl(view.name) if view.watched else None
    return present.registry_item(view, services.live(), planned)
