"""Lists over many repositories: what must not be deleted, and one tag of each."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, select, true

from mfl_lint.core.digest import Digest
from mfl_lint.core.kind import decide_kind
from mfl_lint.core.manifest import MANIFEST_TYPES, MAX_ENTRIES
from mfl_lint.core.observation import Kind, LookState
from mfl_lint.core.parse import clean_media_type, parse_document
from mfl_lint.core.views import Page, PlacedTag, Referenced
from mfl_lint.store.cursors import page, read_cursor
from mfl_lint.store.engine import Store
from mfl_lint.store.rows import content_value
from mfl_lint.store.statements import fetch_in
from mfl_lint.store.tables import documents, entries, tags
from mfl_lint.store.tag_details import with_details
from mfl_lint.store.walk import START, Stop, Wanted, walk

_ENTRIES: Final = select(
    entries.c.index_digest, entries.c.digest, entries.c.kind, entries.c.media_type
)
_DOCUMENTS: Final = select(documents.c.digest, documents.c.raw, documents.c.media_type)
_NO_LISTS: Final = (Kind.IMAGE, Kind.BLOB)
_LISTS: Final = (Kind.INDEX, Kind.UNDECIDED)
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
    """Return the tags by place, each with all digests that it and its lists point at.

    Those that are not watched any more may still be there: they are among them, not complete.
    """
    start = read_cursor(cursor, str, str, str) if cursor is not None else [*START, ""]
    wanted = Wanted(registry, repository, (start[0], start[1]), store.sees, unwatched=True)
    found = await store.read(_referenced, wanted, start[2], limit + 1)
    return page(found, limit, _itself, lambda one: (one.registry, one.repository, one.tag))


def _referenced(
    connection: Connection, wanted: Wanted, after: str, most: int
) -> Sequence[Referenced]:
    rows = list(islice(_tags(connection, wanted, after, most), most))
    lists = _lists(connection, {row.digest for _, row in rows})
    return [
        Referenced(
            registry=stop.registry,
            repository=stop.repository,
            tag=row.name,
            digest=row.digest,
            digests=digests,
            complete=_is_whole(stop, row) and lists.unread.isdisjoint(digests),
            listed_at=stop.listed_at,
            verified_at=row.verified_at,
        )
        for stop, row in rows
        for digests in (_reached(row.digest, lists.below),)
    ]


def _is_whole(stop: Stop, row: Any) -> bool:
    """Say whether the last look at a tag that is watched saw all of it, within our own limits."""
    watched = stop.watched and row.watched
    return bool(watched and row.complete and row.look == LookState.VERIFIED)


def _tags(
    connection: Connection, wanted: Wanted, after: str, most: int
) -> Iterator[tuple[Stop, Any]]:
    """Yield the tags that point at something, from behind the tag `after` of the first place."""
    for stop in walk(connection, wanted):
        query = select(
            tags.c.name,
            tags.c.digest,
            tags.c.watched,
            tags.c.complete,
            tags.c.look,
            tags.c.verified_at,
        ).where(
            tags.c.repository_id == stop.id, tags.c.digest.is_not(None), tags.c.gone_at.is_(None)
        )
        if (stop.registry, stop.repository) == wanted.begin:
            query = query.where(tags.c.name > after)
        for row in connection.execute(query.order_by(tags.c.name).limit(most)):
            yield stop, row


class _Listed(msgspec.Struct, frozen=True):
    """An entry of a list: what it points at, and as what."""

    digest: Digest | None
    kind: str
    media_type: str


class _Lists(msgspec.Struct, frozen=True):
    """What each list points at, and the lists of which not all entries are known."""

    below: dict[Digest, list[Digest]] = msgspec.field(default_factory=dict)
    unread: set[Digest] = msgspec.field(default_factory=set)

    def add(self, digest: Digest, listed: Collection[_Listed]) -> set[Digest]:
        """Add a list with its entries; return those of them that may be lists themselves."""
        self.below[digest] = [one.digest for one in listed if one.digest is not None]
        if len(listed) >= MAX_ENTRIES:
            self.unread.add(digest)
        within = {one.digest: one for one in listed if one.digest is not None}
        self.unread.update(
            one
            for one, entry in within.items()
            if entry.kind in _LISTS and clean_media_type(entry.media_type) not in MANIFEST_TYPES
        )
        return {one for one, entry in within.items() if entry.kind not in _NO_LISTS}


def _lists(connection: Connection, roots: Collection[Digest]) -> _Lists:
    """Return the lists from the roots on. Of lists within lists only the documents are kept."""
    found = _Lists()
    rows = fetch_in(connection, _ENTRIES, entries.c.index_digest, sorted(roots))
    by_root: dict[Digest, list[_Listed]] = {}
    for row in rows:
        by_root.setdefault(row.index_digest, []).append(
            _Listed(row.digest, row.kind, row.media_type)
        )
    nested = {one for root, listed in by_root.items() for one in found.add(root, listed)}
    known = set(by_root)
    while nested:
        read = _within(connection, nested)
        found.unread.difference_update(read)
        known |= nested
        nested = {one for digest, listed in read.items() for one in found.add(digest, listed)}
        nested -= known
    return found


def _within(
    connection: Connection, digests: Collection[Digest]
) -> dict[Digest, tuple[_Listed, ...]]:
    """Return what those of the digests whose documents are kept list: nothing, if no lists."""
    found: dict[Digest, tuple[_Listed, ...]] = {}
    for row in fetch_in(connection, _DOCUMENTS, documents.c.digest, sorted(digests)):
        kept = content_value(row)
        listed = parse_document(kept.raw, kept.media_type, kept.digest).entries
        found[row.digest] = tuple(
            _Listed(one.digest, decide_kind(one, None), one.media_type) for one in listed
        )
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
