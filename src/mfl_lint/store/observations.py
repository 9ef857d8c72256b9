"""Observations and their consequences: what is known of tags and documents, and recording it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, exists, select, update

from mfl_lint.core.digest import Digest
from mfl_lint.core.observation import LookState
from mfl_lint.core.records import (
    Batch,
    Content,
    Lease,
    Presence,
    RepositoryFinish,
    SliceProgress,
    TagState,
    TagWrite,
)
from mfl_lint.store.counters import Place, Tally, write_tally
from mfl_lint.store.engine import Store
from mfl_lint.store.inserts import insert_new, upsert
from mfl_lint.store.leases import check_fence, keep
from mfl_lint.store.prepared import Prepared, among
from mfl_lint.store.registries import recount_repositories
from mfl_lint.store.revisions import touch
from mfl_lint.store.rows import content_rows, content_value, entry_row
from mfl_lint.store.settlements import write_settlements
from mfl_lint.store.tables import (
    crawls,
    documents,
    entries,
    orphans,
    presence,
    repositories,
    slices,
)
from mfl_lint.store.tag_writes import tags_of, unwatch, write_tags

_STORED: Final = select(documents.c.digest, documents.c.raw, documents.c.media_type).where(
    among(documents.c.digest, "digests")
)
_CONTENTS: Final = Prepared(_STORED)
_LASTING: Final = Prepared(_STORED.where(~exists().where(orphans.c.digest == documents.c.digest)))
_NO_ORPHANS: Final = Prepared(
    delete(orphans).where(
        orphans.c.digest.in_(
            select(orphans.c.digest)
            .where(among(orphans.c.digest, "digests"))
            .order_by(orphans.c.digest)
            .with_for_update()
        )
    )
)
_HERE: Final = (presence.c.repository_id == bindparam("repository")) & among(
    presence.c.digest, "digests"
)
_PRESENCES: Final = Prepared(select(presence).where(_HERE))
_NO_PRESENCE: Final = Prepared(delete(presence).where(_HERE))
_REPOSITORY: Final = update(repositories).where(repositories.c.id == bindparam("this"))
_FINISH: Final = Prepared(
    _REPOSITORY.values(
        {
            name: bindparam(name)
            for name in (
                "look",
                "detail",
                "siblings_hash",
                "missing_since",
                "gone_at",
                "last_crawled_at",
            )
        }
    )
)
_SIBLINGS: Final = Prepared(_REPOSITORY.values(siblings_hash=bindparam("siblings_hash")))
_COUNT_IN_CRAWL: Final = Prepared(
    update(crawls)
    .where(crawls.c.id == bindparam("this"))
    .values(
        opened=crawls.c.opened + bindparam("more_opened"),
        resolved=crawls.c.resolved + bindparam("more_resolved"),
    )
)


async def known_tags(store: Store, repository_id: int) -> dict[str, TagState]:
    """Return all tags ever seen by name: gone and unwatched ones too."""
    return await store.read(tags_of, repository_id)


async def contents(
    store: Store, digests: Iterable[Digest], *, lasting: bool = False
) -> dict[Digest, Content]:
    """Return those of the documents and configs that are kept.

    `lasting`: without those that are about to be removed, since nothing leads to them. Who is
    about to record something that does fetches them anew.
    """
    wanted = _LASTING if lasting else _CONTENTS
    rows = await store.read(wanted.rows, digests=set(digests))
    return {row.digest: content_value(row) for row in rows}


async def presences(
    store: Store, repository_id: int, digests: Iterable[Digest]
) -> dict[Digest, Presence]:
    """Return what the last look at each digest in the repository said, where there was one."""
    rows = await store.read(_PRESENCES.rows, repository=repository_id, digests=set(digests))
    return {
        row.digest: Presence(row.digest, LookState(row.look), row.detail, row.looked_at)
        for row in rows
    }


async def record(store: Store, lease: Lease, batch: Batch) -> None:
    """Commit a batch, all or nothing; LeaseLost if somebody else has the lease now.

    Recording the same batch again changes nothing. Tags in `unchanged` become looked at and
    verified at `batch.at`, and watched.
    """
    await store.write(_record, lease, batch)


def _record(connection: Connection, lease: Lease, batch: Batch) -> None:
    place = check_fence(connection, lease)
    rows = content_rows(batch.contents, batch.at)
    if rows:
        # First, and by digest: else whoever removes them and this could wait for one another.
        _NO_ORPHANS.run(connection, digests={row["digest"] for row in rows})
        insert_new(connection, documents, rows, unique=("digest",))
    _write_walks(connection, place, batch.tags)
    tally = Tally()
    known = write_tags(connection, place, batch, tally)
    settlements = [write.settlement for write in batch.tags]
    settlements.append(batch.repository_settlement)
    write_settlements(connection, place, settlements, known, tally)
    # Everybody takes a crawl's row before its registry's: else two could wait for one another.
    _count_in_crawl(connection, batch.crawl_id, tally)
    if batch.progress is not None:
        _write_slice(connection, place, batch.crawl_id, batch.progress)
    if batch.finish is not None:
        _write_finish(connection, place, batch.finish, batch.at)
    if batch.finish is not None or batch.renew_until is not None:
        keep(connection, lease, None if batch.finish is not None else batch.renew_until)
    write_tally(connection, place, tally, batch.at)
    touch(connection, place.registry_id)


def _write_walks(connection: Connection, place: Place, writes: Sequence[TagWrite]) -> None:
    """Write the entries of each index once, and the last look at each digest."""
    walked = {w.state.digest: w.entries for w in writes if w.entries and w.state.digest}
    rows = [
        entry_row(digest, entry)
        for digest, listed in sorted(walked.items())
        for entry in sorted(listed, key=attrgetter("position"))
    ]
    upsert(connection, entries, rows, unique=("index_digest", "position"))
    read = {digest for write in writes for digest in write.read_configs}
    if read:
        _NO_PRESENCE.run(connection, repository=place.repository_id, digests=read)
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
    upsert(connection, presence, list(looks.values()), unique=("repository_id", "digest"))


def _count_in_crawl(connection: Connection, crawl_id: int, tally: Tally) -> None:
    if tally.opened or tally.resolved:
        more = {"more_opened": tally.opened, "more_resolved": tally.resolved}
        _COUNT_IN_CRAWL.run(connection, this=crawl_id, **more)


def _write_slice(
    connection: Connection, place: Place, crawl_id: int, progress: SliceProgress
) -> None:
    row = {
        "crawl_id": crawl_id,
        "repository_id": place.repository_id,
        "slice_no": progress.slice_no,
        "done": progress.done,
        "total": progress.total,
    }
    upsert(connection, slices, [row], unique=("crawl_id", "repository_id", "slice_no"))


def _write_finish(
    connection: Connection, place: Place, finish: RepositoryFinish, at: datetime
) -> None:
    _FINISH.run(
        connection,
        this=place.repository_id,
        look=finish.look.value,
        detail=finish.detail,
        siblings_hash=finish.siblings_hash,
        missing_since=finish.missing_since,
        gone_at=finish.gone_at,
        last_crawled_at=at,
    )
    if place.gone != (finish.gone_at is not None):
        recount_repositories(connection, place.registry_id)


async def slice_done(
    store: Store, lease: Lease, crawl_id: int, slice_no: int, done: int, total: int
) -> None:
    """Remember how far a slice of the repository's crawl is. LeaseLost as in `record`."""

    def write(connection: Connection) -> None:
        place = check_fence(connection, lease)
        _write_slice(connection, place, crawl_id, SliceProgress(slice_no, done, total))

    await store.write(write)


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
    """Write how the repository's crawl ended; the lease is kept. LeaseLost as in `record`."""
    finish = RepositoryFinish(look, detail, siblings_hash, missing_since, gone_at)

    def write(connection: Connection) -> None:
        place = check_fence(connection, lease)
        _write_finish(connection, place, finish, now)
        touch(connection, place.registry_id)

    await store.write(write)


async def set_siblings_hash(store: Store, lease: Lease, siblings_hash: str) -> None:
    """Write beside what the repository's tags were judged last. LeaseLost as in `record`."""

    def write(connection: Connection) -> None:
        place = check_fence(connection, lease)
        _SIBLINGS.run(connection, this=place.repository_id, siblings_hash=siblings_hash)

    await store.write(write)


async def unwatch_tags(store: Store, lease: Lease, names: Sequence[str]) -> None:
    """Make tags unwatched: their findings stay as they are and count no more."""

    def write(connection: Connection) -> None:
        place = check_fence(connection, lease)
        unwatch(connection, place, names)
        touch(connection, place.registry_id)

    await store.write(write)
