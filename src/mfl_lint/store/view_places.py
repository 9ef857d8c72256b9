"""Lists over many repositories: what must not be deleted, and one tag of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection, select, true

from mfl_lint.core.digest import Digest
from mfl_lint.core.observation import Kind, LookState
from mfl_lint.core.parse import parse_document
from mfl_lint.core.views import Page, PlacedTag, Referenced
from mfl_lint.store.cursors import page, read_cursor
from mfl_lint.store.engine import Store
from mfl_lint.store.rows import content_value
from mfl_lint.store.statements import fetch_in
from mfl_lint.store.tables import documents, entries, tags
from mfl_lint.store.tag_details import with_details
from mfl_lint.store.walk import START, Stop, Wanted, walk

_MAX_NESTING: Final = 8
_ENTRIES: Final = select(entries.c.index_digest, entries.c.digest, entries.c.kind).where(
    entries.c.digest.is_not(None)
)
_DOCUMENTS: Final = select(documents.c.digest, documents.c.raw, documents.c.media_type)
_LISTS: Final = (Kind.INDEX.value, Kind.UNDECIDED.value)
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
    wanted = Wanted(registry, repository, (start[0], start[1]), store.sees)
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


def _below(connection: Connection, roots: Iterable[Digest]) -> dict[Digest, list[Digest]]:
    """Return what each list points at. Of lists within lists only the documents are kept."""
    found: dict[Digest, list[Digest]] = {}
    nested: set[Digest] = set()
    for row in fetch_in(connection, _ENTRIES, entries.c.index_digest, sorted(set(roots))):
        found.setdefault(row.index_digest, []).append(row.digest)
        if row.kind in _LISTS:
            nested.add(row.digest)
    for _ in range(_MAX_NESTING):
        listed = _within(connection, nested - found.keys())
        if not listed:
            break
        found |= listed
        nested = {digest for below in listed.values() for digest in below}
    return found


def _within(connection: Connection, digests: Iterable[Digest]) -> dict[Digest, list[Digest]]:
    """Return what those of the documents that are lists point at."""
    found: dict[Digest, list[Digest]] = {}
    for row in fetch_in(connection, _DOCUMENTS, documents.c.digest, sorted(digests)):
        kept = content_value(row)
        listed = parse_document(kept.raw, kept.media_type, kept.digest).entries
        if listed:
            found[row.digest] = [one.digest for one in listed if one.digest is not None]
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
    wanted = Wanted(registry, repository, (start[0], start[1]), store.sees)
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
    detailed = with_details(connection, rows)
    full = {row.repository_id: detailed[row.id] for row in rows}
    return [PlacedTag(stop.registry, stop.repository, full.get(stop.id)) for stop in stops]


def _itself(one: Any) -> Any:
    return one
