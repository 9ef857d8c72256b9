"""Reading lists over many repositories: what must not be deleted, a matrix, a search."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from aiohttp import web

from mfl_lint.core.observation import LookState
from mfl_lint.core.policy import glob_matches
from mfl_lint.core.views import Hit, Referenced, RegistryView
from mfl_lint.store import view_places, view_search, view_uncertain, views
from mfl_lint.web import links
from mfl_lint.web.answers import DigestsAnswer, MatrixAnswer, SearchAnswer
from mfl_lint.web.items import Doubt, HitItem, PlacedItem, ReferencedItem, TagItem
from mfl_lint.web.matrix import column, matrix_across
from mfl_lint.web.overview import doubts
from mfl_lint.web.query import Query
from mfl_lint.web.services import Services

_USUAL_TAG: Final = "latest"
_READY: Final = ("ok", "info")


async def read_digests(services: Services, match: Mapping[str, str], query: Query) -> DigestsAnswer:
    """Return what tags point at, and so must not be deleted."""
    registry = query.text("registry")
    page = await view_places.referenced(
        services.store,
        registry=registry,
        repository=query.text("repository"),
        cursor=query.cursor,
        limit=query.limit,
    )
    known = await views.registries(services.store)
    chosen = [one for one in known if glob_matches(registry or "*", one.name)]
    uncertain = await view_uncertain.uncertain_by_registry(services.store)
    return DigestsAnswer(
        doubts=(*await doubts(services, chosen, uncertain), *_narrowed(services, chosen)),
        items=tuple(map(_referenced, page.items)),
        next_cursor=page.next_cursor,
    )


def _narrowed(services: Services, chosen: Iterable[RegistryView]) -> Iterator[Doubt]:
    """Yield the registries with tags that the configuration leaves out."""
    for view in chosen:
        registry = services.config().registry(view.name)
        if registry is None or not view.watched:
            yield Doubt(view.name, "it is not watched any more", links.registry(view.name))
        elif registry.tags != ("*",) or registry.exclude_tags or registry.newest:
            why = "only some tags of its repositories are watched"
            yield Doubt(view.name, why, links.registry(view.name))


def _referenced(one: Referenced) -> ReferencedItem:
    return ReferencedItem(
        registry=one.registry,
        repository=one.repository,
        tag=one.tag,
        digest=one.digest,
        digests=one.digests,
        complete=one.complete,
        listed_at=one.listed_at,
        verified_at=one.verified_at,
        page=links.tag(one.registry, one.repository, one.tag),
    )


async def read_matrix(services: Services, match: Mapping[str, str], query: Query) -> MatrixAnswer:
    """Return one tag of many repositories against the platforms that they offer."""
    wanted = query.platform("platform")
    name = column(wanted) if wanted is not None else ""
    tag = query.text("tag") or _USUAL_TAG
    page = await view_places.tag_across(
        services.store,
        tag,
        registry=query.text("registry"),
        repository=query.text("repository"),
        cursor=query.cursor,
        limit=query.limit,
    )
    rows = [(one.registry, one.repository, one.row) for one in page.items if one.row is not None]
    asked = [name] if name else []
    drawn = matrix_across(rows, services.config().policy, services.now(), asked)
    shown = dict(zip(((row[0], row[1]) for row in rows), drawn.items, strict=True))
    return MatrixAnswer(
        tag=tag,
        platforms=drawn.platforms,
        more_platforms=drawn.more_platforms,
        items=tuple(
            PlacedItem(one.registry, one.repository, shown.get((one.registry, one.repository)))
            for one in page.items
        ),
        next_cursor=page.next_cursor,
        wanted=name,
        ready=sum(_is_ready(item, name) for item in drawn.items) if name else 0,
    )


def _is_ready(item: TagItem, name: str) -> bool:
    """Say whether a tag that was seen at the last look offers a platform without a fault."""
    return item.look == LookState.VERIFIED and item.cells[name].state in _READY


async def read_search(services: Services, match: Mapping[str, str], query: Query) -> SearchAnswer:
    """Return repositories, tags and digests that are called so."""
    text = query.text("q").strip()
    if not text:
        raise web.HTTPBadRequest(text="q says what to look for")
    page = await view_search.search(services.store, text, cursor=query.cursor, limit=query.limit)
    return SearchAnswer(items=tuple(map(_hit, page.items)), next_cursor=page.next_cursor)


def _hit(hit: Hit) -> HitItem:
    return HitItem(
        kind=hit.kind,
        registry=hit.registry,
        repository=hit.repository,
        tag=hit.tag,
        digest=hit.digest,
        page=links.subject(hit.registry, hit.repository, hit.tag),
    )
