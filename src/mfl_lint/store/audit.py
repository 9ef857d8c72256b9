"""What people did: written in the transaction of the deed itself, and only ever added to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from mfl_lint.core.access import Deed
from mfl_lint.core.views import Page
from mfl_lint.store.cursors import page, read_cursor
from mfl_lint.store.engine import Store
from mfl_lint.store.statements import all_rows
from mfl_lint.store.tables import audit


def note(connection: Connection, who: str, action: str, subject: str, at: datetime) -> None:
    """Write down what somebody does in this transaction. No secret is ever part of it."""
    connection.execute(insert(audit).values(at=at, who=who, action=action, subject=subject))


async def deeds(store: Store, cursor: str | None = None, limit: int = 50) -> Page[Deed]:
    """Return what people did, the newest first."""
    query = select(audit).order_by(audit.c.id.desc()).limit(limit + 1)
    if cursor is not None:
        query = query.where(audit.c.id < read_cursor(cursor, int)[0])
    rows = await store.read(all_rows, query)
    return page(rows, limit, _deed, lambda row: (row.id,))


def _deed(row: Any) -> Deed:
    return Deed(row.id, row.at, row.who, row.action, row.subject)
