"""Observations and their consequences: what is known of tags and documents, and recording it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mfl_lint.core.digest import Digest
from mfl_lint.core.observation import LookState
from mfl_lint.core.records import Batch, Content, Lease, Presence, TagState, TagWrite
from mfl_lint.store.counters import Place, Tally, count_standing, write_tally
from mfl_lint.store.engine import Store
from mfl_lint.store.leases import check_fence
from mfl_lint.store.registries import recount_repositories
from mfl_lint.store.rows import content_rows, content_value, entry_row, tag_row, tag_state
from mfl_lint.store.settlements import TagInPlace, write_settlements
from mfl_lint.store.statements import Rows, chunks, fetch_in, insert_new, upsert
from mfl_lint.store.tables import (
    crawls,
    documents,
    entries,
    presence,
    repositories,
    slices,
    tag_history,
    tags,
)

_BEFORE: Final = (tags.c.id, tags.c.name, tags.c.digest, tags.c.watched, tags.c.gone_at)
_MANY: Final = 16


async def known_tags(store: Store, repository_id: int) -> dict[str, TagState]:
    """Return all tags ever seen by name: gone and unwatched ones too."""
    async with store.read() as connection:
        query = select(tags).where(tags.c.repository_id == repository_id).order_by(tags.c.name)
        return {row.name: tag_state(row) for row in (await connection.execute(query)).all()}


async def contents(store: Store, digests: Iterable[Digest]) -> dict[Digest, Content]:
    """Return those of the documents and configs that are kept."""
    query = select(documents.c.digest, documents.c.raw, documents.c.media_type)
    async with store.read() as connection:
        rows = await fetch_in(connection, query, documents.c.digest, set(digests))
    return {row.digest: content_value(row) for row in rows}


async def presences(
    store: Store, repository_id: int, digests: Iterable[Digest]
) -> dict[Digest, Presence]:
    """Return what the last look at each digest in the repository said, where there was one."""
    query = select(presence).where(presence.c.repository_id == repository_id)
    async with store.read() as connection:
        rows = await fetch_in(connection, query, presence.c.digest, set(digests))
    return {
        row.digest: Presence(row.digest, LookState(row.look), row.detail, row.looked_at)
        for row in rows
    }


async def record(store: Store, lease: Lease, batch: Batch) -> None:
    """Commit a batch, all or nothing; LeaseLost if somebody else has the lease now.

    Recording the same batch again changes nothing. Tags in `unchanged` become looked at and
    verified at `batch.at`, and watched.
    """
    if len(batch.contents) > _MANY:
        documents_rows = await asyncio.to_thread(content_rows, batch.contents, batch.at)
    else:
        documents_rows = content_rows(batch.contents, batch.at)
    async with store.write() as connection:
        place = await check_fence(connection, lease)
        await insert_new(connection, documents, documents_rows, unique=["digest"])
        await _write_walks(connection, place, batch.tags)
        tally = Tally()
        known = await _write_tags(connection, place, batch, tally)
        settlements = [write.settlement for write in batch.tags]
        settlements.append(batch.repository_settlement)
        await write_settlements(connection, place, settlements, known, tally)
        await write_tally(connection, place, tally, batch.at)
        await _count_in_crawl(connection, batch.crawl_id, tally)


async def _write_walks(
    connection: AsyncConnection, place: Place, writes: Sequence[TagWrite]
) -> None:
    """Write the entries of each index once, and the last look at each digest."""
    walked = {write.state.digest: write.entries for write in writes if write.entries}
    rows = [
        entry_row(digest, entry)
        for digest, listed in walked.items()
        for entry in listed
        if digest is not None
    ]
    rows.sort(key=lambda row: (row["index_digest"], row["position"]))
    await upsert(connection, entries, rows, unique=["index_digest", "position"])
    read = {digest for write in writes for digest in write.read_configs}
    for chunk in chunks(read):
        here = (presence.c.repository_id == place.repository_id) & presence.c.digest.in_(chunk)
        await connection.execute(delete(presence).where(here))
    looks: dict[str, dict[str, Any]] = {}
    for seen in (one for write in writes for one in write.presences if one.digest not in read):
        before = looks.get(seen.digest)
        if before is None or before["looked_at"] <= seen.looked_at:
            looks[seen.digest] = {
                "repository_id": place.repository_id,
                "digest": seen.digest,
                "look": seen.look.value,
                "detail": seen.detail,
                "looked_at": seen.looked_at,
            }
    await upsert(connection, presence, list(looks.values()), unique=["repository_id", "digest"])


async def _tags_before(
    connection: AsyncConnection, place: Place, names: Iterable[str]
) -> dict[str, Any]:
    query = select(*_BEFORE).where(tags.c.repository_id == place.repository_id)
    return {row.name: row for row in await fetch_in(connection, query, tags.c.name, names)}


async def _write_tags(
    connection: AsyncConnection, place: Place, batch: Batch, tally: Tally
) -> dict[str, TagInPlace]:
    """Write the batch's tags and their history; return their rows by name."""
    states = {write.state.name: write.state for write in batch.tags}
    before = await _tags_before(connection, place, states.keys() | set(batch.unchanged))
    after = {name: (state.watched, state.gone_at) for name, state in states.items()}
    unchanged = [name for name in batch.unchanged if name in before and name not in states]
    after |= dict.fromkeys(unchanged, (True, None))
    await _count_tags(connection, place, before, after, tally)
    rows = [tag_row(place.repository_id, state) for state in states.values()]
    for row in rows:
        known = before.get(row["name"])
        row["first_seen_at"] = row["first_seen_at"] or batch.at
        row["digest"] = row["digest"] or (known.digest if known else None)
    await upsert(connection, tags, rows, unique=["repository_id", "name"], kept=["first_seen_at"])
    await _write_unchanged(connection, place, unchanged, batch.at)
    written = await _tags_before(connection, place, states)
    await _write_history(connection, states, before, written, batch.at)
    return {name: TagInPlace(row.id, row.watched) for name, row in written.items()}


async def _count_tags(
    connection: AsyncConnection,
    place: Place,
    before: Mapping[str, Any],
    after: Mapping[str, tuple[bool, datetime | None]],
    tally: Tally,
) -> None:
    """Count tags that come and go, and the findings of those that are (un)watched from now on."""
    flips: dict[int, list[str]] = {1: [], -1: []}
    for name, (watched, gone_at) in after.items():
        old = before.get(name)
        was = old is not None and old.watched and old.gone_at is None
        tally.total["tags"] += (watched and gone_at is None) - was
        if old is not None and old.watched != watched:
            flips[1 if watched else -1].append(name)
    for sign, names in flips.items():
        await count_standing(connection, tally, sign, place.repository_id, names)


async def _write_unchanged(
    connection: AsyncConnection, place: Place, names: Iterable[str], at: datetime
) -> None:
    change = update(tags).values(
        look=LookState.VERIFIED.value,
        detail="",
        looked_at=at,
        verified_at=at,
        missing_since=None,
        gone_at=None,
        watched=True,
    )
    for chunk in chunks(names):
        here = (tags.c.repository_id == place.repository_id) & tags.c.name.in_(chunk)
        await connection.execute(change.where(here))


async def _write_history(
    connection: AsyncConnection,
    states: Mapping[str, TagState],
    before: Mapping[str, Any],
    written: Mapping[str, Any],
    at: datetime,
) -> None:
    """Remember what the tags point at from now on, where that is something else than before."""
    rows: Rows = [
        {"tag_id": written[name].id, "digest": state.digest, "seen_at": state.looked_at or at}
        for name, state in states.items()
        if state.digest is not None and (name not in before or before[name].digest != state.digest)
    ]
    if rows:
        await connection.execute(insert(tag_history), rows)


async def _count_in_crawl(connection: AsyncConnection, crawl_id: int, tally: Tally) -> None:
    if tally.opened or tally.resolved:
        added = {
            "opened": crawls.c.opened + tally.opened,
            "resolved": crawls.c.resolved + tally.resolved,
        }
        await connection.execute(update(crawls).where(crawls.c.id == crawl_id).values(added))


async def slice_done(
    store: Store, lease: Lease, crawl_id: int, slice_no: int, done: int, total: int
) -> None:
    """Remember how far a slice of the repository's crawl is. LeaseLost as in `record`."""
    row = {
        "crawl_id": crawl_id,
        "repository_id": lease.repository_id,
        "slice_no": slice_no,
        "done": done,
        "total": total,
    }
    async with store.write() as connection:
        await check_fence(connection, lease)
        unique = ["crawl_id", "repository_id", "slice_no"]
        await upsert(connection, slices, [row], unique=unique)


async def finish_repository(
    store: Store,
    lease: Lease,
    *,
    look: LookState,
    detail: str,
    siblings_hash: str,
    missing_since: datetime | None,
    gone_at: datetime | None,
    now: datetime,
) -> None:
    """Write how the repository's crawl ended. LeaseLost as in `record`."""
    change = update(repositories).values(
        look=look.value,
        detail=detail,
        siblings_hash=siblings_hash,
        missing_since=missing_since,
        gone_at=gone_at,
        last_crawled_at=now,
    )
    async with store.write() as connection:
        place = await check_fence(connection, lease)
        here = repositories.c.id == place.repository_id
        was = await connection.scalar(select(repositories.c.gone_at).where(here))
        await connection.execute(change.where(here))
        if (was is None) != (gone_at is None):
            await recount_repositories(connection, place.registry_id)


async def set_siblings_hash(store: Store, lease: Lease, siblings_hash: str) -> None:
    """Write beside what the repository's tags were judged last. LeaseLost as in `record`."""
    async with store.write() as connection:
        place = await check_fence(connection, lease)
        here = repositories.c.id == place.repository_id
        await connection.execute(
            update(repositories).values(siblings_hash=siblings_hash).where(here)
        )


async def unwatch_tags(store: Store, lease: Lease, names: Sequence[str]) -> None:
    """Make tags unwatched: their findings stay as they are and count no more."""
    async with store.write() as connection:
        place = await check_fence(connection, lease)
        before = await _tags_before(connection, place, names)
        leaving = {name: (False, row.gone_at) for name, row in before.items() if row.watched}
        tally = Tally()
        await _count_tags(connection, place, before, leaving, tally)
        for chunk in chunks(leaving):
            here = (tags.c.repository_id == place.repository_id) & tags.c.name.in_(chunk)
            await connection.execute(update(tags).where(here).values(watched=False))
        await write_tally(connection, place, tally, None)
