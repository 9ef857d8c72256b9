"""Ignores that people set, beside those of the configuration. They act when reading only."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Select, delete, func, insert, or_, select

from mfl_lint.core.errors import Refused
from mfl_lint.core.policy import Ignore
from mfl_lint.core.views import SetIgnore
from mfl_lint.store import audit
from mfl_lint.store.engine import Store
from mfl_lint.store.statements import all_rows
from mfl_lint.store.tables import ignores

# Each finding that is shown is compared with every one of them.
MOST: Final = 500


async def set_ignore(store: Store, ignore: Ignore, *, who: str, now: datetime) -> int:
    """Keep an ignore and return its id; raise Refused where there are too many."""
    return await store.write(_set, ignore, who, now)


def _set(connection: Connection, ignore: Ignore, who: str, now: datetime) -> int:
    if (
        connection.scalar(select(func.count()).select_from(_standing(now).subquery())) or 0
    ) >= MOST:
        raise Refused(f"there are {MOST} ignores already: undo some, or use the configuration")
    values = {
        "rule": ignore.rule,
        "registry": ignore.registry,
        "repository": ignore.repository,
        "tag": ignore.tag,
        "reason": ignore.reason,
        "expires": ignore.expires,
    }
    new = insert(ignores).values(who=who, created_at=now, **values).returning(ignores.c.id)
    number = int(connection.execute(new).scalar_one())
    audit.note(connection, who, "ignore.set", _told(number, ignore), now)
    return number


def _told(number: int, ignore: Ignore) -> str:
    until = f" until {ignore.expires.date().isoformat()}" if ignore.expires else ""
    place = f"{ignore.registry}/{ignore.repository}:{ignore.tag}"
    return f"{number}: {ignore.rule} on {place}{until}: {ignore.reason}"


async def set_ignores(store: Store) -> tuple[SetIgnore, ...]:
    """Return what people ignore, the newest first, and what they did until it expired."""
    query = _visible(store, select(ignores)).order_by(ignores.c.id.desc())
    return tuple(map(_value, await store.read(all_rows, query)))


async def standing_ignores(store: Store, now: datetime) -> tuple[Ignore, ...]:
    """Return the ignores of people that hold at `now`, the oldest first."""
    query = _visible(store, _standing(now)).order_by(ignores.c.id)
    return tuple(_value(row).ignore for row in await store.read(all_rows, query))


async def set_ignore_of(store: Store, id: int) -> SetIgnore | None:  # noqa: A002  # the field's word
    """Return one ignore."""
    rows = await store.read(all_rows, _visible(store, select(ignores).where(ignores.c.id == id)))
    return _value(rows[0]) if rows else None


async def undo_ignore(store: Store, id: int, *, who: str, now: datetime) -> bool:  # noqa: A002  # the field's word
    """Take an ignore away, and say whether there was one."""
    return await store.write(_undo, id, store.sees, who, now)


def _undo(
    connection: Connection, number: int, sees: frozenset[str] | None, who: str, now: datetime
) -> bool:
    gone = delete(ignores).where(ignores.c.id == number)
    if sees is not None:
        gone = gone.where(ignores.c.registry.in_(sees))
    row = connection.execute(gone.returning(ignores)).one_or_none()
    if row is None:
        return False
    audit.note(connection, who, "ignore.undo", _told(number, _value(row).ignore), now)
    return True


def _standing(now: datetime) -> Select[Any]:
    return select(ignores).where(or_(ignores.c.expires.is_(None), ignores.c.expires > now))


def _visible(store: Store, query: Select[Any]) -> Select[Any]:
    """Return the query without ignores in registries that nobody may know of here."""
    return query if store.sees is None else query.where(ignores.c.registry.in_(store.sees))


def _value(row: Any) -> SetIgnore:
    place = (row.registry, row.repository, row.tag)
    ignore = Ignore(row.rule, row.reason, *place, row.expires)
    return SetIgnore(row.id, ignore, row.who, row.created_at)
