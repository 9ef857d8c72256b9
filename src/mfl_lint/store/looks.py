"""Requests for a look: scan-now and webhooks ask, the crawler takes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Executable, Select, delete, or_, select, update

from mfl_lint.core.records import LookRequest
from mfl_lint.store import audit
from mfl_lint.store.engine import Store
from mfl_lint.store.inserts import insert_into
from mfl_lint.store.statements import all_rows, run
from mfl_lint.store.tables import look_requests

_PENDING: Final = look_requests.c.state == "pending"


async def request_look(
    store: Store,
    registry: str,
    repository: str,
    tag: str,
    now: datetime,
    reason: str,
    *,
    who: str = "",
) -> bool:
    """Ask for a look and return True, or False where the same one is pending already.

    One that was taken counts no more: it may have looked before what is asked about happened.
    `who` is the person that asks, if it is one.
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
    subject = f"{registry}/{repository}{tag and ':'}{tag}"
    return await store.write(_request_look, new, who, subject, now)


def _request_look(
    connection: Connection, new: Executable, who: str, subject: str, now: datetime
) -> bool:
    asked = connection.execute(new).one_or_none() is not None
    if asked and who:
        audit.note(connection, who, "scan.ask", subject, now)
    return asked


async def pending_looks(store: Store, limit: int = 200) -> tuple[LookRequest, ...]:
    """Return the requests that nobody took yet, the oldest first."""
    query = select(look_requests).where(_PENDING).order_by(look_requests.c.id).limit(limit)
    if store.sees is not None:
        query = query.where(look_requests.c.registry.in_(store.sees))
    return tuple(map(_request, await store.read(all_rows, query)))


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
    return tuple(map(_request, rows))


def _request(row: Any) -> LookRequest:
    return LookRequest(row.id, row.registry, row.repository, row.tag, row.reason, row.requested_at)


def _take(connection: Connection, query: Select[Any], now: datetime) -> Sequence[Any]:
    rows = connection.execute(query).all()
    taken = update(look_requests).where(look_requests.c.id.in_([row.id for row in rows]))
    connection.execute(taken.values(state="taken", taken_at=now))
    return rows


async def done_look(store: Store, id: int) -> None:  # noqa: A002  # the field's word
    """Forget a request that was taken and looked at."""
    await store.write(run, delete(look_requests).where(look_requests.c.id == id, ~_PENDING))
