"""Requests for a look: scan-now and webhooks ask, the crawler takes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Select, delete, or_, select, update

from mfl_lint.core.records import LookRequest
from mfl_lint.store.engine import Store
from mfl_lint.store.inserts import insert_into
from mfl_lint.store.statements import one_row, run
from mfl_lint.store.tables import look_requests

_PENDING: Final = look_requests.c.state == "pending"


async def request_look(
    store: Store, registry: str, repository: str, tag: str, now: datetime, reason: str
) -> bool:
    """Ask for a look and return True, or False where the same one is pending already.

    One that was taken counts no more: it may have looked before what is asked about happened.
    """
    insert = insert_into(store.dialect, look_requests).values(
        registry=registry,
        repository=repository,
        tag=tag,
        state="pending",
        reason=reason,
        requested_at=now,
    )
    new = insert.on_conflict_do_nothing().returning(look_requests.c.id)
    return await store.write(one_row, new) is not None


async def take_looks(
    store: Store, limit: int, *, now: datetime, lease_s: float = 600.0
) -> tuple[LookRequest, ...]:
    """Take the oldest requests; one that is not done `lease_s` after it was taken comes again."""
    forgotten = look_requests.c.taken_at <= now - timedelta(seconds=lease_s)
    query = (
        select(look_requests)
        .where(or_(_PENDING, forgotten))
        .order_by(look_requests.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = await store.write(_take, query, now)
    return tuple(
        LookRequest(row.id, row.registry, row.repository, row.tag, row.reason, row.requested_at)
        for row in rows
    )


def _take(connection: Connection, query: Select[Any], now: datetime) -> Sequence[Any]:
    rows = connection.execute(query).all()
    taken = update(look_requests).where(look_requests.c.id.in_([row.id for row in rows]))
    connection.execute(taken.values(state="taken", taken_at=now))
    return rows


async def done_look(store: Store, id: int) -> None:  # noqa: A002  # the field's word
    """Forget a request that was taken and looked at."""
    await store.write(run, delete(look_requests).where(look_requests.c.id == id, ~_PENDING))
