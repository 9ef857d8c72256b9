"""What is older than the settings keep is removed, in short transactions one after the other.

Candidates are read beside whoever writes; a few hundred at once are then removed, and for as long
as that took nothing is done. Whatever is cut off goes on where it was at the next time: nothing
but the rows themselves says how far it came.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from sqlalchemy import Column, Connection, delete, func, literal, select, tuple_

from mfl_lint.config_retention import RetentionConfig
from mfl_lint.store import tables, unreferenced
from mfl_lint.store.awaited import awaited
from mfl_lint.store.engine import Store
from mfl_lint.store.inserts import upsert
from mfl_lint.store.overdue import Step, key_of, steps
from mfl_lint.store.pace import paced
from mfl_lint.store.revisions import touch
from mfl_lint.store.statements import all_rows, one_row
from mfl_lint.store.tables import chores

_AT_ONCE: Final = 500
_CHORE: Final = "retention"
_STREAMED: Final = {"stream_results": True, "max_row_buffer": _AT_ONCE}
Told = Callable[[str, int], None]


async def retain(
    store: Store,
    settings: RetentionConfig,
    now: datetime,
    *,
    dry_run: bool = False,
    told: Told | None = None,
) -> dict[str, int]:
    """Remove what the settings do not keep, and return how many rows of what that was.

    `dry_run`: it is only counted, as the database is now.
    """
    removed: dict[str, int] = {}
    for step in steps(settings, now):
        number = await (store.read(_count, step) if dry_run else _remove(store, step))
        removed[step.name] = number
        if told is not None:
            told(step.name, number)
    if settings.documents_s:
        swept = await unreferenced.sweep(store, settings.documents_s, now, dry_run=dry_run)
        for name, number in swept.items():
            removed[name] = number
            if told is not None:
                told(name, number)
    if not dry_run:
        await store.write(_note, now)
    return removed


async def last_retained(store: Store) -> datetime | None:
    """Return when that was done last, whole."""
    query = select(chores.c.at).where(chores.c.name == _CHORE)
    row = await store.read(one_row, query)
    return None if row is None else row.at


def _note(connection: Connection, now: datetime) -> None:
    upsert(connection, chores, [{"name": _CHORE, "at": now}], unique=("name",))


def _count(connection: Connection, step: Step) -> int:
    if not step.told:
        return connection.scalar(select(func.count()).select_from(step.found.subquery())) or 0
    waits = awaited(connection)
    rows = connection.execute(step.found, execution_options=_STREAMED)
    return sum(row.fingerprint not in waits for row in rows)


async def _remove(store: Store, step: Step) -> int:
    """Remove what a step finds, and return how many rows that was."""
    # Whatever comes to wait from now on is of a later change, so of nothing that is over.
    waits = await store.read(awaited) if step.told else frozenset[str]()
    removed, query = 0, step.found.order_by(*step.order).limit(_AT_ONCE)
    names = [column.name for column in step.order if isinstance(column, Column)]
    names = names if len(names) == len(step.order) else ["at", "id"]
    part = query
    while rows := await store.read(all_rows, part):
        over = [row for row in rows if row.fingerprint not in waits] if step.told else rows
        if over:
            removed += await paced(partial(store.write, _removed, step, over))
        after = tuple_(*(literal(getattr(rows[-1], name)) for name in names))
        part = query.where(tuple_(*step.order) > after)
    return removed


def _removed(connection: Connection, step: Step, rows: Sequence[Any]) -> int:
    """Remove rows, and say of each registry that something of it was written."""
    key = key_of(step.table)
    keys = [tuple(getattr(row, column.name) for column in key) for row in rows]
    gone = delete(step.table).where(
        tuple_(*key).in_(keys) if len(key) > 1 else key[0].in_([one for (one,) in keys])
    )
    if step.but is not None:
        gone = gone.where(step.but)
    if step.table is tables.findings:
        marks = connection.scalars(gone.returning(tables.findings.c.fingerprint)).all()
        moves = tables.transitions
        connection.execute(delete(moves).where(moves.c.fingerprint.in_(marks)))
        number = len(marks)
    else:
        number = connection.execute(gone).rowcount
    if "registry_id" in rows[0]._fields:
        for registry in sorted({row.registry_id for row in rows}):
            touch(connection, registry)
    return number
