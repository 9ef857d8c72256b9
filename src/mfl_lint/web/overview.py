"""Reading what the overview, the registries' pages and the lists of crawls show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

import msgspec
from aiohttp import web

from mfl_lint.core.records import CrawlRecord, CrawlStatus
from mfl_lint.core.views import Counts, DayCounts, RegistryView, RepositoryView
from mfl_lint.store import crawls, messages, view_ignored, view_uncertain, views
from mfl_lint.store.view_uncertain import Uncertain
from mfl_lint.web import links, present
from mfl_lint.web.answers import (
    CrawlAnswer,
    CrawlsAnswer,
    OverviewAnswer,
    RegistriesAnswer,
    RegistryAnswer,
    RepositoriesAnswer,
)
from mfl_lint.web.certainty import registry_doubt
from mfl_lint.web.items import Doubt, RegistryItem, RepositoryItem
from mfl_lint.web.query import Query
from mfl_lint.web.services import Services

_BROKEN: Final = 12
_CHANGES: Final = 24
_DAYS: Final = 30


async def read_overview(
    services: Services, match: Mapping[str, str], query: Query
) -> OverviewAnswer:
    """Return everything watched, at a glance."""
    store, now = services.store, services.now()
    ignores = present.active_ignores(services.config().policy, now)
    ignored = await view_ignored.ignored_by_registry(store, ignores)
    uncertain = await view_uncertain.uncertain_by_registry(store)
    known = [_counted(view, ignored) for view in await views.registries(store)]
    watched = [view for view in known if view.watched]
    left_out = present.sum_counts(ignored.get(view.name, Counts()) for view in watched)
    changes = await views.transitions_page(store, since=now - timedelta(days=1), limit=_CHANGES)
    broken, more = await view_ignored.worst_tags_counted(store, ignores, _BROKEN)
    return OverviewAnswer(
        counts=present.sum_counts(view.counts for view in watched),
        ignored=left_out,
        doubts=await doubts(services, watched, uncertain),
        registries=tuple(_registry_item(services, view, uncertain) for view in known),
        broken=tuple(map(present.broken_item, broken)),
        more_broken=more,
        changes=tuple(map(present.change_item, changes.items)),
        days=_last_without(await views.days(store, None, _DAYS, now=now), left_out),
        crawls=tuple(map(present.crawl_item, services.live())),
        dead_letters=await messages.dead_letters(store),
    )


def _last_without(days: tuple[DayCounts, ...], ignored: Counts) -> tuple[DayCounts, ...]:
    """Take what is ignored now from the last day; the days before know of no ignores."""
    if not days:
        return days
    last = msgspec.structs.replace(days[-1], counts=present.without(days[-1].counts, ignored))
    return (*days[:-1], last)


async def doubts(
    services: Services, watched: Sequence[RegistryView], uncertain: Mapping[str, Uncertain]
) -> tuple[Doubt, ...]:
    """Return why not all is known, registry by registry."""
    found = []
    for view in watched:
        ended = await last_ended(services, view)
        why = registry_doubt(view, uncertain.get(view.name, Uncertain()), ended)
        if why:
            found.append(Doubt(view.name, why, links.registry(view.name)))
    return tuple(found)


async def last_ended(services: Services, view: RegistryView) -> CrawlRecord | None:
    """Return the registry's last crawl that does not run any more."""
    last = view.last_crawl
    if last is None or last.status is not CrawlStatus.RUNNING:
        return last
    page = await crawls.crawls(services.store, view.name, None, 2)
    return next((one for one in page.items if one.status is not CrawlStatus.RUNNING), None)


async def read_registries(
    services: Services, match: Mapping[str, str], query: Query
) -> RegistriesAnswer:
    """Return all registries."""
    known = await views.registries(services.store)
    return RegistriesAnswer(items=await _registry_items(services, known))


async def read_registry(
    services: Services, match: Mapping[str, str], query: Query
) -> RegistryAnswer:
    """Return one registry; 404 if it is not known."""
    view = await registry_of(services, match["registry"])
    return RegistryAnswer(registry=(await _registry_items(services, [view]))[0])


async def read_repositories(
    services: Services, match: Mapping[str, str], query: Query
) -> RepositoriesAnswer:
    """Return a registry with its repositories; 404 if it is not known."""
    registry = await registry_of(services, match["registry"])
    (item,) = await _registry_items(services, [registry])
    page = await views.repositories_page(
        services.store,
        registry.name,
        glob=query.text("repository"),
        cursor=query.cursor,
        limit=query.limit,
    )
    return RepositoriesAnswer(
        registry=item,
        items=await repository_items(services, page.items),
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


async def registry_of(services: Services, name: str) -> RegistryView:
    """Return the registry; 404 if it is not known."""
    view = await views.registry(services.store, name) if name.isprintable() else None
    if view is None:
        raise web.HTTPNotFound(text=f"no registry is called {name[:100]!a}")
    return view


async def repository_items(
    services: Services, found: Sequence[RepositoryView]
) -> tuple[RepositoryItem, ...]:
    """Return repositories of one registry, without what is ignored."""
    if not found:
        return ()
    registry, names = found[0].registry, [view.name for view in found]
    ignores = present.active_ignores(services.config().policy, services.now())
    store = services.store
    ignored = await view_ignored.ignored_by_repository(store, ignores, registry, names)
    uncertain = await view_uncertain.uncertain_by_repository(store, registry, names)
    return tuple(
        present.repository_item(view, ignored.get(view.name), uncertain.get(view.name, 0))
        for view in found
    )


async def _registry_items(
    services: Services, known: Sequence[RegistryView]
) -> tuple[RegistryItem, ...]:
    ignores = present.active_ignores(services.config().policy, services.now())
    ignored = await view_ignored.ignored_by_registry(services.store, ignores)
    uncertain = await view_uncertain.uncertain_by_registry(services.store)
    return tuple(_registry_item(services, _counted(view, ignored), uncertain) for view in known)


def _counted(view: RegistryView, ignored: Mapping[str, Counts]) -> RegistryView:
    """Return the registry without what is ignored."""
    counts = present.without(view.counts, ignored.get(view.name))
    return msgspec.structs.replace(view, counts=counts)


def _registry_item(
    services: Services, view: RegistryView, uncertain: Mapping[str, Uncertain]
) -> RegistryItem:
    planned = services.next_crawl(view.name) if view.watched else None
    unsure = uncertain.get(view.name, Uncertain())
    return present.registry_item(view, services.live(), planned, unsure)
