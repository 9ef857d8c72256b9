"""Every push: written before the first request that writes, and completed when it has ended."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert, select, update

from mfl_lint.core.digest import Digest
from mfl_lint.core.pushes import BEGUN, KnownPush, PushRecord
from mfl_lint.core.views import Page
from mfl_lint.store.cursors import page, read_cursor
from mfl_lint.store.engine import Store
from mfl_lint.store.statements import all_rows, run
from mfl_lint.store.tables import push_audit


async def begin_push(store: Store, record: PushRecord) -> int:
    """Write down what is about to be pushed and return its id."""
    return await store.write(_begin, record)


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


async def end_push(store: Store, id: int, state: str, after: Digest | None, problem: str) -> None:  # noqa: A002  # the field's word
    """Write down how a push ended."""
    ended = update(push_audit).where(push_audit.c.id == id)
    values = ended.values(state=state, digest_after=after, problem=problem)
    await store.write(run, values)


async def known_pushes(store: Store, cursor: str | None = None, limit: int = 50) -> Page[KnownPush]:
    """Return the pushes to registries that whoever asks may know of, the newest first."""
    query = select(push_audit).order_by(push_audit.c.id.desc()).limit(limit + 1)
    if store.sees is not None:
        query = query.where(push_audit.c.registry.in_(store.sees))
    if cursor is not None:
        query = query.where(push_audit.c.id < read_cursor(cursor, int)[0])
    rows = await store.read(all_rows, query)
    return page(rows, limit, _known, lambda row: (row.id,))


async def known_push(store: Store, id: int) -> KnownPush | None:  # noqa: A002
    """Return one push, None where there is none that whoever asks may know of."""
    query = select(push_audit).where(push_audit.c.id == id)
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
    return KnownPush(row.id, record, row.state, after, row.problem or "")
