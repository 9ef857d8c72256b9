"""What every module says to the database in the same way."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, Table, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from mfl_lint.core.errors import StoreError
from mfl_lint.store.tables import registries

T = TypeVar("T")
Rows = Sequence[dict[str, Any]]
_CHUNK: Final = 800


def chunks(items: Iterable[T], size: int = _CHUNK) -> Iterator[list[T]]:
    """Yield the items in lists that fit into one statement's parameters."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


def insert_into(connection: AsyncConnection, table: Table) -> Any:
    """Return an INSERT that knows ON CONFLICT, of the connection's database."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


async def upsert(
    connection: AsyncConnection,
    table: Table,
    rows: Rows,
    *,
    unique: Sequence[str],
    kept: Sequence[str] = (),
) -> None:
    """Insert the rows, or overwrite those with the same unique columns, but for `kept` ones."""
    if not rows:
        return
    insert = insert_into(connection, table)
    untouched = {*unique, *kept}
    written = {name: insert.excluded[name] for name in rows[0] if name not in untouched}
    await connection.execute(
        insert.on_conflict_do_update(index_elements=list(unique), set_=written), rows
    )


async def insert_new(
    connection: AsyncConnection, table: Table, rows: Rows, *, unique: Sequence[str]
) -> None:
    """Insert the rows, but for those that are there."""
    if rows:
        insert = insert_into(connection, table)
        await connection.execute(insert.on_conflict_do_nothing(index_elements=list(unique)), rows)


async def fetch_in(
    connection: AsyncConnection, query: Any, column: ColumnElement[Any], values: Iterable[object]
) -> list[Any]:
    """Return the query's rows whose column has one of the values."""
    found: list[Any] = []
    for chunk in chunks(values):
        found.extend((await connection.execute(query.where(column.in_(chunk)))).all())
    return found


async def add_to(
    connection: AsyncConnection, table: Table, where: ColumnElement[bool], added: dict[str, int]
) -> None:
    """Add to counters of one row."""
    values = {name: table.c[name] + number for name, number in added.items() if number}
    if values:
        await connection.execute(update(table).where(where).values(values))


async def registry_id(connection: AsyncConnection, name: str) -> int:
    """Return the id of a registry; StoreError if the store does not know it."""
    found = await connection.scalar(select(registries.c.id).where(registries.c.name == name))
    if found is None:
        raise StoreError(f"the store knows no registry {name[:100]!r}")
    return int(found)


def matches(dialect: str, column: ColumnElement[Any], glob: str) -> ColumnElement[bool]:
    """Return the condition that the whole text matches; `*` crosses slashes, `?` is one character.

    Both databases stop such patterns early, so that none takes long.
    """
    stars = re.sub(r"\*+", "*", glob)
    if dialect == "sqlite":
        return column.op("GLOB", is_comparison=True)(stars.replace("[", "[[]"))
    quoted = re.sub(r"([\\%_])", r"\\\1", stars).replace("*", "%").replace("?", "_")
    return column.like(quoted, escape="\\")
