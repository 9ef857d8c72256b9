"""Every push: written before the first request that writes, and completed when it has ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, exists, insert, or_, select, update

from mfl_lint.core.digest import Digest
from mfl_lint.core.pushes import BEGUN, KnownPush, PushEnd, PushRecord
from mfl_lint.core.views import Page
from mfl_lint.store.cursors import page, read_cursor
from mfl_lint.store.engine import Store
from mfl_lint.store.statements import all_rows, run
from mfl_lint.store.tables import push_audit, registries, repositories, tags

_LATER: Final = push_audit.alias("later")
_PUSHED_LATER: Final = exists().where(
    _LATER.c.id > push_audit.c.id,
    _LATER.c.registry == push_audit.c.registry,
    _LATER.c.repository == push_audit.c.repository,
    _LATER.c.tag == push_audit.c.tag,
    _LATER.c.digest_after != push_audit.c.digest_after,
)
_SEEN_LATER: Final = exists().where(
    registries.c.name == push_audit.c.registry,
    repositories.c.registry_id == registries.c.id,
    repositories.c.name == push_audit.c.repository,
    tags.c.repository_id == repositories.c.id,
    tags.c.name == push_audit.c.tag,
    tags.c.verified_at > push_audit.c.at,
    tags.c.digest != push_audit.c.digest_after,
)
_KNOWN: Final = select(push_audit, or_(_PUSHED_LATER, _SEEN_LATER).label("overtaken"))


async def begin_push(store: Store, *records: PushRecord) -> tuple[int, ...]:
    """Write down what is about to be pushed, all or nothing, and return the ids."""
    return await store.write(_begin_all, records)


def _begin_all(connection: Connection, records: Sequence[PushRecord]) -> tuple[int, ...]:
    return tuple(_begin(connection, record) for record in records)


def _begin(connection: Connection, record: PushRecord) -> int:
    new = insert(push_audit).values(
        at=record.at,
        who=record.who,
        registry=record.registry,
        repository=record.repository,
        tag=record.tag,
        digest_before=record.before,
        state=BEGUN,
        plan=record.plan,
    )
    return int(connection.execute(new.returning(push_audit.c.id)).scalar_one())


async def end_push(store: Store, *ends: PushEnd) -> None:
    """Write down how pushes ended, all or nothing."""
    await store.write(_end_all, ends)


def _end_all(connection: Connection, ends: Sequence[PushEnd]) -> None:
    for end in ends:
        ended = update(push_audit).where(push_audit.c.id == end.id)
        run(connection, ended.values(state=end.state, digest_after=end.after, problem=end.problem))


async def known_pushes(store: Store, cursor: str | None = None, limit: int = 50) -> Page[KnownPush]:
    """Return the pushes to registries that whoever asks may know of, the newest first."""
    query = _KNOWN.order_by(push_audit.c.id.desc()).limit(limit + 1)
    if store.sees is not None:
        query = query.where(push_audit.c.registry.in_(store.sees))
    if cursor is not None:
        query = query.where(push_audit.c.id < read_cursor(cursor, int)[0])
    rows = await store.read(all_rows, query)
    return page(rows, limit, _known, lambda row: (row.id,))


async def known_push(store: Store, id: int) -> KnownPush | None:  # noqa: A002  # the field's word
    """Return one push, None where there is none that whoever asks may know of."""
    query = _KNOWN.where(push_audit.c.id == id)
    if store.sees is not None:
        query = query.where(push_audit.c.registry.in_(store.sees))
    rows = await store.read(all_rows, query)
    return _known(rows[0]) if rows else None


def _known(row: Any) -> KnownPush:
    before = Digest(row.digest_before) if row.digest_before else None
    after = Digest(row.digest_after) if row.digest_after else None
    record = PushRecord(
        row.at, row.who, row.registry, row.repository, row.tag, before, row.plan or "{}"
    )
    return KnownPush(row.id, record, row.state, after, row.problem or "", bool(row.overtaken))
