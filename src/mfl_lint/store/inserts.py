"""INSERT of many rows: each statement is compiled once, and its rows go straight to the driver.

SQLAlchemy works each row's parameters out in many steps; a crawl writes forty rows a tag, so
that those steps would cost more than the database does. SQLite takes many rows in one statement:
for each statement its thread waits for its turn with the event loop's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.dialects import postgresql, sqlite

from mfl_lint.store.columns import clean, is_clean, plain

Rows = Sequence[Mapping[str, Any]]
# Few sizes, so that the driver keeps the parsed statements; 999 parameters fit everywhere.
_SIZES: Final = (64, 32, 16, 8, 7, 6, 5, 4, 3, 2, 1)
_MOST_PARAMETERS: Final = 999


class _Prepared:
    """A statement in the driver's words. Rows name all of its columns."""

    def __init__(
        self, statement: Any, table: Table, columns: Sequence[str], dialect: Dialect
    ) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=list(columns))
        self._sql = str(compiled)
        self._positional = bool(compiled.positional)
        self._order: Sequence[str] = compiled.positiontup if self._positional else columns
        self._pick = itemgetter(*self._order)
        writes = (plain(table.c[name].type, dialect) for name in self._order)
        self._writes = [(at, write) for at, write in enumerate(writes) if write]
        one = f"({', '.join('?' * len(self._order))})"
        fitting = [size for size in _SIZES if size * len(columns) <= _MOST_PARAMETERS]
        self._sized = [
            (size, self._sql.replace(one, ", ".join([one] * size), 1)) for size in fitting
        ]

    def run(self, connection: Connection, rows: Rows) -> None:
        """Insert the rows."""
        cursor = connection.connection.cursor()
        made = list(zip(*self._columns(rows), strict=True))
        if not self._positional:
            cursor.executemany(
                self._sql, [dict(zip(self._order, one, strict=True)) for one in made]
            )
            return
        start = 0
        for size, sql in self._sized:
            while len(made) - start >= size:
                part = tuple(chain.from_iterable(made[start : start + size]))
                cursor.execute(sql, part)
                start += size

    def _columns(self, rows: Rows) -> list[Sequence[Any]]:
        """Return the values as the driver takes them, column by column: most need no change."""
        columns: list[Sequence[Any]] = list(zip(*map(self._pick, rows), strict=True))
        for at, write in self._writes:
            if write is clean and is_clean("".join(filter(None, columns[at]))):
                continue
            columns[at] = [value if value is None else write(value) for value in columns[at]]
        return columns


def insert_into(dialect: str, table: Table) -> Any:
    """Return an INSERT that knows ON CONFLICT, of the database."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


@lru_cache(maxsize=128)
def _insert(table: Table, columns: tuple[str, ...], dialect: Dialect) -> _Prepared:
    return _Prepared(insert_into(dialect.name, table), table, columns, dialect)


@lru_cache(maxsize=128)
def _upsert(
    table: Table,
    columns: tuple[str, ...],
    unique: tuple[str, ...],
    kept: tuple[str, ...],
    dialect: Dialect,
) -> _Prepared:
    insert = insert_into(dialect.name, table)
    written = {name: insert.excluded[name] for name in columns if name not in (*unique, *kept)}
    statement = insert.on_conflict_do_update(index_elements=list(unique), set_=written)
    return _Prepared(statement, table, columns, dialect)


@lru_cache(maxsize=128)
def _insert_new(
    table: Table, columns: tuple[str, ...], unique: tuple[str, ...], dialect: Dialect
) -> _Prepared:
    statement = insert_into(dialect.name, table).on_conflict_do_nothing(index_elements=list(unique))
    return _Prepared(statement, table, columns, dialect)


def insert_all(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert the rows."""
    if rows:
        _insert(table, tuple(rows[0]), connection.dialect).run(connection, rows)


def insert_new(
    connection: Connection, table: Table, rows: Rows, *, unique: tuple[str, ...]
) -> None:
    """Insert the rows, but for those that are there."""
    if rows:
        _insert_new(table, tuple(rows[0]), unique, connection.dialect).run(connection, rows)


def upsert(
    connection: Connection,
    table: Table,
    rows: Rows,
    *,
    unique: tuple[str, ...],
    kept: tuple[str, ...] = (),
) -> None:
    """Insert the rows, or overwrite those with the same unique columns, but for `kept` ones."""
    if rows:
        _upsert(table, tuple(rows[0]), unique, kept, connection.dialect).run(connection, rows)
