"""Documents that nothing leads to any more: found, marked, and removed when that has lasted.

Kept is what a tag points at or pointed at, what a finding that stands names, and every document
that one of those mentions, however deep: any digest in its bytes counts as mentioned, in whatever
way JSON writes its characters.

A crawl that walks meanwhile may be about to record a tag that leads to such a document again. So
it is first only marked (`orphans`). From then on crawls fetch and record it as if it were not
there, which takes the mark away; whoever had read it before has recorded by the time that marks
are acted on, and then it is kept as what it is: mentioned. One digest in memory takes some
hundred bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, Select, Table, delete, literal, select, tuple_

from mfl_lint.core.truth import FindingState
from mfl_lint.store import tables
from mfl_lint.store.compression import decompressed
from mfl_lint.store.engine import Store
from mfl_lint.store.inserts import insert_new
from mfl_lint.store.pace import paced
from mfl_lint.store.prepared import Prepared, among
from mfl_lint.store.statements import all_rows, chunks
from mfl_lint.store.tables import documents, entries, findings, layers, orphans, presence

_AT_ONCE: Final = 2000
_MENTIONED: Final = re.compile(rb"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
# A digest's characters may stand in JSON as these, and as nothing else that is not themselves.
_ESCAPED: Final = re.compile(rb"\\u00([0-7][0-9a-fA-F])")
_BODIES: Final = Prepared(
    select(documents.c.digest, documents.c.media_type, documents.c.raw).where(
        among(documents.c.digest, "digests")
    )
)
# Configs name layers as they are unpacked, which are no documents.
_LEAF: Final = re.compile(r"config|container\.image")


class Kept:
    """The digests that something leads to."""

    def __init__(self) -> None:
        # Two that are alike would keep one document too many, never lose one.
        self._hashes: set[int] = set()

    def add(self, digest: str) -> bool:
        """Keep a digest, and say whether it is new here."""
        before = len(self._hashes)
        self._hashes.add(hash(digest))
        return len(self._hashes) > before

    def __contains__(self, digest: str) -> bool:
        return hash(digest) in self._hashes


async def sweep(
    store: Store, kept_s: float, now: datetime, *, dry_run: bool = False
) -> dict[str, int]:
    """Remove what nothing has led to for `kept_s`, and mark what nothing leads to now.

    Return how many rows of what went; with `dry_run`, of how many that would be said now.
    """
    kept = await store.read(_kept)
    before = now - timedelta(seconds=kept_s)
    removed = {"documents": 0, "presence": 0, "layers": 0}
    if dry_run:
        removed["documents"] = await _each(store, _documents(before), kept, None)
    else:
        await _each(store, _documents(before), kept, partial(_mark, now=now))
        await _each(store, _marked(), kept, _unmark, leads=True)
        old = _marked().where(orphans.c.since <= before)
        removed["documents"] = await _each(store, old, kept, partial(_remove, before=before))
    for table, at in ((presence, presence.c.looked_at), (layers, layers.c.read_at)):
        query = select(*table.primary_key).where(at < before)
        work = None if dry_run else partial(_forget, table=table)
        removed[table.name] = await _each(store, query, kept, work)
    return removed


def _documents(before: datetime) -> Select[Any]:
    """Return the query of what can be unreferenced: a crawl may be about to record what is new."""
    return select(documents.c.digest).where(documents.c.fetched_at < before)


def _marked() -> Select[Any]:
    return select(orphans.c.digest)


def _kept(connection: Connection) -> Kept:
    """Return all that is reachable in the state that one transaction sees."""
    kept = Kept()
    for part in chunks(_roots(connection), _AT_ONCE):
        _follow(connection, kept, [digest for digest in part if kept.add(digest)])
    return kept


def _roots(connection: Connection) -> Iterator[str]:
    """Yield what tags and findings name; some more than once."""
    stands = findings.c.state != FindingState.RESOLVED.value
    for query in (
        select(tables.tags.c.digest).where(tables.tags.c.digest.is_not(None)),
        select(tables.tag_history.c.digest),
        select(findings.c.digest).where(stands, findings.c.digest.is_not(None)),
    ):
        options = {"stream_results": True, "max_row_buffer": _AT_ONCE}
        yield from connection.scalars(query, execution_options=options)


def _follow(connection: Connection, kept: Kept, digests: Sequence[str]) -> None:
    """Keep what documents mention, and what those mention."""
    level: Sequence[str] = digests
    while level:
        below: list[str] = []
        for chunk in chunks(level, _AT_ONCE):
            for row in _BODIES.rows(connection, digests=chunk):
                below.extend(one for one in _mentioned(row) if kept.add(one))
        level = below


def _mentioned(row: Any) -> Iterable[str]:
    if _LEAF.search(row.media_type):
        return ()
    try:
        said = _ESCAPED.sub(_unescaped, decompressed(row.raw))
        return {found.decode() for found in _MENTIONED.findall(said)}
    except ValueError:  # its bytes are damaged, and say nothing
        return ()


def _unescaped(found: re.Match[bytes]) -> bytes:
    return bytes.fromhex(found[1].decode())


async def _each(
    store: Store,
    query: Select[Any],
    kept: Kept,
    work: Callable[..., int] | None,
    *,
    leads: bool = False,
) -> int:
    """Do the work with those rows that nothing leads to (or something, with `leads`), in parts.

    Return the sum of what it returns; without any work, the number of rows.
    """
    key: Sequence[Any] = list(query.selected_columns)
    ordered = query.order_by(*key).limit(_AT_ONCE)
    part, done = ordered, 0
    while rows := await store.read(all_rows, part):
        chosen = [tuple(row) for row in rows if (row.digest in kept) is leads]
        if chosen:
            done += len(chosen) if work is None else await paced(partial(store.write, work, chosen))
        part = ordered.where(tuple_(*key) > tuple_(*map(literal, rows[-1])))
    return done


def _mark(connection: Connection, rows: Sequence[Any], now: datetime) -> int:
    marks = [{"digest": digest, "since": now} for (digest,) in rows]
    insert_new(connection, orphans, marks, unique=("digest",))
    return len(marks)


def _unmark(connection: Connection, rows: Sequence[Any]) -> int:
    return connection.execute(delete(orphans).where(orphans.c.digest.in_(_held(rows)))).rowcount


def _held(rows: Sequence[Any]) -> Select[Any]:
    """Return the query of marks, held by digest, as crawls hold them: nobody waits in a circle."""
    digests = [digest for (digest,) in rows]
    query = select(orphans.c.digest).where(orphans.c.digest.in_(digests))
    return query.order_by(orphans.c.digest).with_for_update()


def _remove(connection: Connection, rows: Sequence[Any], before: datetime) -> int:
    """Remove documents whose marks are still there: a crawl that took one away needs them."""
    old = _held(rows).where(orphans.c.since <= before)
    still = delete(orphans).where(orphans.c.digest.in_(old)).returning(orphans.c.digest)
    gone = connection.scalars(still).all()
    connection.execute(delete(entries).where(entries.c.index_digest.in_(gone)))
    return connection.execute(delete(documents).where(documents.c.digest.in_(gone))).rowcount


def _forget(connection: Connection, rows: Sequence[Any], table: Table) -> int:
    """Remove rows of what is no longer mentioned; a look that needs them makes them again."""
    key = list(table.primary_key.columns)
    removed = 0
    for chunk in chunks(rows, 500):
        same = tuple_(*key).in_(chunk) if len(key) > 1 else key[0].in_([one for (one,) in chunk])
        removed += connection.execute(delete(table).where(same)).rowcount
    return removed
