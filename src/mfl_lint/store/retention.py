"""What is older than the settings keep is removed, in short transactions one after the other.

Candidates are read beside whoever writes; a few hundred at once are then removed, and for as long
as that took nothing is done. Whatever is cut off goes on where it was at the next time: nothing
but the rows themselves says how far it came. What stands is never removed: findings that are open
or unknown with their last change, what each tag pointed at last, running crawls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Select,
    Table,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
    type_coerce,
)

from mfl_lint.config import RetentionConfig
from mfl_lint.core.records import CrawlStatus
from mfl_lint.core.truth import FindingState
from mfl_lint.store import tables, unreferenced
from mfl_lint.store.engine import Store
from mfl_lint.store.history import MOST
from mfl_lint.store.pace import paced
from mfl_lint.store.revisions import touch
from mfl_lint.store.statements import all_rows, one_row

# A crawl looks back at so many before it; pages show the last ones.
CRAWLS_KEPT: Final = 100
_SLICES_KEPT: Final = timedelta(days=1)
_AT_ONCE: Final = 500
_RESOLVED: Final = FindingState.RESOLVED.value
Told = Callable[[str, int], None]


class Step(NamedTuple):
    """Rows of one table that may go: `found` has its key and `registry_id`, if it is of one.

    `order` is in whose order they are found. `but` must hold still when they are removed.
    """

    name: str
    table: Table
    found: Select[Any]
    order: tuple[ColumnElement[Any], ...]
    but: ColumnElement[bool] | None = None


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
        number = await (_count(store, step) if dry_run else _remove(store, step))
        removed[step.name] = number
        if told is not None:
            told(step.name, number)
    if settings.documents_s:
        swept = await unreferenced.sweep(store, settings.documents_s, now, dry_run=dry_run)
        for name, number in swept.items():
            removed[name] = number
            if told is not None:
                told(name, number)
    return removed


def steps(settings: RetentionConfig, now: datetime) -> Iterator[Step]:
    """Yield what there is to remove; a setting of 0 keeps for ever."""

    def before(kept_s: float) -> datetime:
        return now - timedelta(seconds=kept_s)

    yield _slices(now - _SLICES_KEPT)
    if settings.crawls_s:
        yield _crawls(before(settings.crawls_s))
    if settings.history_s:
        yield _history(before(settings.history_s))
    if settings.transitions_s:
        yield _transitions(before(settings.transitions_s))
    if settings.resolved_s:
        yield _resolved(before(settings.resolved_s))
    if settings.ignores_s:
        expired = tables.ignores.c.expires < before(settings.ignores_s)
        yield _simple("expired ignores", tables.ignores, expired)
    if settings.audit_s:
        for table in (tables.audit, tables.push_audit):
            yield _simple(table.name, table, table.c.at < before(settings.audit_s))


def _simple(name: str, table: Table, where: ColumnElement[bool]) -> Step:
    return Step(name, table, select(table.c.id).where(where), (table.c.id,))


def _ended(before: datetime) -> ColumnElement[bool]:
    crawls = tables.crawls.c
    return (crawls.status != CrawlStatus.RUNNING.value) & (crawls.finished_at < before)


def _slices(before: datetime) -> Step:
    """Return how far crawls came that ended: nobody goes on there."""
    slices = tables.slices.c
    found = select(*slices["crawl_id", "repository_id", "slice_no"]).join(
        tables.crawls, tables.crawls.c.id == slices.crawl_id
    )
    return Step("slices of crawls", tables.slices, found.where(_ended(before)), _key(tables.slices))


def _crawls(before: datetime) -> Step:
    crawls, newer = tables.crawls.c, tables.crawls.alias("newer")
    later = (
        select(literal(1))
        .where(newer.c.registry_id == crawls.registry_id, newer.c.id > crawls.id)
        .where(newer.c.partial.is_(False))
        .limit(1)
        .offset(CRAWLS_KEPT - 1)
    )
    found = select(crawls.id, crawls.registry_id).where(_ended(before), exists(later))
    return Step("crawls", tables.crawls, found, (crawls.id,))


def _history(before: datetime) -> Step:
    """Return what tags pointed at, but for the last ones of each: rules and pages read those."""
    past, newer = tables.tag_history.c, tables.tag_history.alias("newer")
    later = (
        select(literal(1))
        .where(newer.c.tag_id == past.tag_id, newer.c.id > past.id)
        .limit(1)
        .offset(MOST - 1)
    )
    found = (
        select(past.id, tables.repositories.c.registry_id)
        .join(tables.tags, tables.tags.c.id == past.tag_id)
        .join(tables.repositories, tables.repositories.c.id == tables.tags.c.repository_id)
        .where(past.seen_at < before, exists(later))
    )
    return Step("history", tables.tag_history, found, (past.id,))


def _waits() -> ColumnElement[bool]:
    """Return whether somebody is still to be told of a transition."""
    return exists().where(tables.outbox.c.transition_id == tables.transitions.c.id)


def _transitions(before: datetime) -> Step:
    moves, findings = tables.transitions.c, tables.findings.c
    found = (
        select(moves.id, moves.registry_id, type_coerce(moves.at, BigInteger).label("at"))
        .join(tables.findings, findings.fingerprint == moves.fingerprint)
        .where(moves.at < before, ~_waits())
        .where(or_(findings.state == _RESOLVED, moves.sequence < findings.sequence))
    )
    order = (type_coerce(moves.at, BigInteger), moves.id)
    return Step("transitions", tables.transitions, found, order)


def _resolved(before: datetime) -> Step:
    findings, moves = tables.findings.c, tables.transitions.c
    over = (findings.state == _RESOLVED) & (findings.resolved_at < before)
    told = ~exists().where(moves.fingerprint == findings.fingerprint, _waits())
    found = select(findings.id, findings.registry_id).where(over, told)
    return Step("resolved findings", tables.findings, found, (findings.id,), but=over)


def _key(table: Table) -> tuple[Column[Any], ...]:
    return tuple(table.primary_key.columns)


async def _count(store: Store, step: Step) -> int:
    row = await store.read(one_row, select(func.count()).select_from(step.found.subquery()))
    return int(row[0]) if row is not None else 0


async def _remove(store: Store, step: Step) -> int:
    """Remove what a step finds, and return how many rows that was."""
    removed, query = 0, step.found.order_by(*step.order).limit(_AT_ONCE)
    names = [column.name for column in step.order if isinstance(column, Column)]
    names = names if len(names) == len(step.order) else ["at", "id"]
    part = query
    while rows := await store.read(all_rows, part):
        removed += await paced(partial(store.write, _removed, step, rows))
        after = tuple_(*(literal(getattr(rows[-1], name)) for name in names))
        part = query.where(tuple_(*step.order) > after)
    return removed


def _removed(connection: Connection, step: Step, rows: Sequence[Any]) -> int:
    """Remove rows, and say of each registry that something of it was written."""
    key = _key(step.table)
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
