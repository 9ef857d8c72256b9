"""What a tag pointed at before, and what differs between any two of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from aiohttp import web

from mfl_lint.core.difference import difference
from mfl_lint.core.digest import Digest
from mfl_lint.core.history import Earlier
from mfl_lint.core.observation import Observation
from mfl_lint.core.views import HistoryItem
from mfl_lint.crawl.stored import observation_of
from mfl_lint.store import history, registries, views
from mfl_lint.web.addressed import Place, repository_of
from mfl_lint.web.answers import DifferenceAnswer
from mfl_lint.web.query import Query
from mfl_lint.web.services import Services
from mfl_lint.web.tag_items import PastItem

_LONGEST_DIGEST: Final = 200


async def past_of(services: Services, place: Place) -> tuple[PastItem, ...]:
    """Return what a tag pointed at, the newest first, with what the last of it offered."""
    seen = await views.tag_history(services.store, *place)
    held = await registries.repository(services.store, *place[:2])
    if held is None:
        return ()
    offered = await history.pointed_at(services.store, held.id, [place[2]])
    known = {one.digest: _platforms(one) for one in offered.get(place[2], ())}
    return tuple(_item(one, known) for one in seen)


def _platforms(one: Earlier) -> tuple[str, ...] | None:
    if one.platforms is None:
        return None
    return tuple(dict.fromkeys(str(platform)[:60] for platform in one.platforms))


def _item(one: HistoryItem, known: Mapping[Digest, tuple[str, ...] | None]) -> PastItem:
    return PastItem(one.digest, one.seen_at, one.until, known.get(one.digest))


async def read_difference(
    services: Services, match: Mapping[str, str], query: Query
) -> DifferenceAnswer:
    """Return what differs between two digests of a tag; 404 unless it pointed at both.

    `after` is by default what it points at now, `before` what it pointed at before that.
    """
    registry, repository = await repository_of(services, match)
    place = (registry.name, repository.name, match["tag"])
    seen = [one.digest for one in await views.tag_history(services.store, *place)]
    after = _among(seen, query.text("after", _LONGEST_DIGEST), seen[:1])
    earlier = [one for one in seen[seen.index(after) :] if one != after]
    before = _among(seen, query.text("before", _LONGEST_DIGEST), [*earlier, after])
    one, other = [await _seen(services, place, digest) for digest in (before, after)]
    found = difference(one, other)
    return DifferenceAnswer(
        host=registry.host,
        registry=registry.name,
        repository=repository.name,
        tag=match["tag"],
        before=before,
        after=after,
        same=found.same and not found.unseen,
        platforms=found.platforms,
        changes=found.changes,
        unseen=found.unseen,
    )


def _among(seen: Sequence[Digest], asked: str, otherwise: Sequence[Digest]) -> Digest:
    """Return the digest that is asked for, else the first of the others; 404 for what never was."""
    found = next(iter([one for one in seen if one == asked] if asked else otherwise), None)
    if found is None:
        raise web.HTTPNotFound(text=f"the tag is not known to have pointed at {asked[:80]!a}")
    return found


async def _seen(services: Services, place: Place, digest: Digest) -> Observation:
    found = await observation_of(services.store, *place, digest)
    if found is None:
        raise web.HTTPNotFound(text=f"nothing is kept of {digest}")
    return found
