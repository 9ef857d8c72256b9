"""Lists over many repositories: what must not be deleted, and one tag of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection, select, true

from mfl_lint.core.digest import Digest
from mfl_lint.core.observation import LookState
from mfl_lint.core.views import Page, PlacedTag, Referenced
from mfl_lint.store.cursors import page, read_cursor
from mfl_lint.store.engine import Store
from mfl_lint.store.statements import fetch_in
from mfl_lint.store.tables import entries, tags
from mfl_lint.store.views import with_details
from mfl_lint.store.walk import START, Stop, Wanted, walk

_MAX_NESTING: Final = 8
_ENTRIES: Final = select(entries.c.index_digest, entries.c.digest).where(
    entries.c.digest.is_not(None)
)
_HERE: Final = (
    tags.c.watched.is_(true()),
    tags.c.gone_at.is_(None),
)


async def referenced(
    store: Store,
    *,
    registry: str = "",
    repository: str = "",
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Referenced]:
    """Return the watched tags by place, each with all digests that it and its lists point at."""
    start = read_cursor(cursor, str, str, str) if cursor is not None else [*START, ""]
    wanted = Wanted(registry, repository, (start[0], start[1]))
    found = await store.read(_referenced, wanted, start[2], limit + 1)
    return page(found, limit, _itself, lambda one: (one.registry, one.repository, one.tag))


def _referenced(
    connection: Connection, wanted: Wanted, after: str, most: int
) -> Sequence[Referenced]:
    rows = list(islice(_tags(connection, wanted, after, most), most))
    below = _below(connection, {row.digest for _, row in rows})
    return [
        Referenced(
            registry=stop.registry,
            repository=stop.repository,
            tag=row.name,
            digest=row.digest,
            digests=_reached(row.digest, below),
            complete=row.complete and row.look == LookState.VERIFIED,
        )
        for stop, row in rows
    ]


def _tags(
    connection: Connection, wanted: Wanted, after: str, most: int
) -> Iterator[tuple[Stop, Any]]:
    """Yield the tags that point at something, from behind the tag `after` of the first place."""
    for stop in walk(connection, wanted):
        query = select(tags.c.name, tags.c.digest, tags.c.complete, tags.c.look).where(
            tags.c.repository_id == stop.id, tags.c.digest.is_not(None), *_HERE
        )
        if (stop.registry, stop.repository) == wanted.begin:
            query = query.where(tags.c.name > after)
        for row in connection.execute(query.order_by(tags.c.name).limit(most)):
            yield stop, row


def _below(connection: Connection, digests: Iterable[Digest]) -> dict[Digest, list[Digest]]:
    """Return what each list points at, lists within lists too."""
    found: dict[Digest, list[Digest]] = {}
    fresh = set(digests)
    for _ in range(_MAX_NESTING):
        listed: dict[Digest, list[Digest]] = {}
        for row in fetch_in(connection, _ENTRIES, entries.c.index_digest, sorted(fresh)):
            listed.setdefault(row.index_digest, []).append(row.digest)
        found |= listed
        fresh = {digest for below in listed.values() for digest in below} - found.keys()
        if not fresh:
            break
    return found


def _reached(root: Digest, below: dict[Digest, list[Digest]]) -> tuple[Digest, ...]:
    """Return all digests from a root on, each once, the root first."""
    reached, waiting = {root: None}, [root]
    while waiting:
        for digest in below.get(waiting.pop(), ()):
            if digest not in reached:
                reached[digest] = None
                waiting.append(digest)
    return tuple(reached)


async def tag_across(
    store: Store,
    tag: str,
    *,
    registry: str = "",
    repository: str = "",
    cursor: str | None = None,
    limit: int = 50,
) -> Page[PlacedTag]:
    """Return the repositories by place, each with the tag of that name, None where it has none."""
    start = read_cursor(cursor, str, str) if cursor is not None else START
    wanted = Wanted(registry, repository, (start[0], start[1]))
    found = await store.read(_across, wanted, tag, cursor is not None, limit + 1)
    return page(found, limit, _itself, lambda one: (one.registry, one.repository))


def _across(
    connection: Connection, wanted: Wanted, tag: str, after: bool, most: int
) -> Sequence[PlacedTag]:
    places = (
        stop
        for stop in walk(connection, wanted)
        if not (after and (stop.registry, stop.repository) == wanted.begin)
    )
    stops = list(islice(places, most))
    query = select(tags).where(tags.c.name == tag, *_HERE)
    rows = fetch_in(connection, query, tags.c.repository_id, [stop.id for stop in stops])
    full = {row.repository_id: with_details(connection, [row])[row.id] for row in rows}
    return [PlacedTag(stop.registry, stop.repository, full.get(stop.id)) for stop in stops]


def _itself(one: Any) -> Any:
    return one
