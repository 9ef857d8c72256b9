"""All rows of one database into another of the same schema, SQLite or PostgreSQL, and the proof.

Values go from driver to driver as they are: both keep times as numbers and text as UTF-8. Only
so many rows as the drivers hand over at once are ever in memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import Boolean, Connection, Table, func, select, text

from mfl_lint.core.errors import StoreError
from mfl_lint.store import migrate
from mfl_lint.store.addresses import sqlite_url
from mfl_lint.store.queue_schema import empty_queue
from mfl_lint.store.sqlite_copies import make_one_file
from mfl_lint.store.tables import metadata

Told = Callable[[str, int], None]
Rows = Sequence[Sequence[Any]]
_AT_ONCE: Final = 2000
_PATIENCE: Final = "5s"
_BITS: Final = 16 * 8
_OTHERS: Final = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
    "AND pid <> pg_backend_pid() AND application_name LIKE 'mfl-lint%'"
)


class Checksum:
    """The number of rows, and a sum of their hashes: alike for the same rows in any order."""

    def __init__(self, table: Table) -> None:
        self.rows = 0
        self._sum = 0
        self._encode = msgspec.msgpack.Encoder().encode
        self._flags = [
            at for at, column in enumerate(table.columns) if isinstance(column.type, Boolean)
        ]

    def add(self, rows: Sequence[Sequence[Any]]) -> None:
        """Count rows in."""
        encode, flags, hashed = self._encode, self._flags, hashlib.blake2b
        for row in rows:
            values = list(row)
            for at in flags:  # SQLite has no truth values but 0 and 1
                values[at] = None if values[at] is None else int(values[at])
            digest = hashed(encode(values), digest_size=_BITS // 8).digest()
            self._sum += int.from_bytes(digest)
        self._sum %= 1 << _BITS
        self.rows += len(rows)

    def __str__(self) -> str:
        return f"{self._sum:0{_BITS // 4}x}"


def copy_rows(source: Connection, target: Connection, told: Told | None = None) -> dict[str, int]:
    """Copy every table into one that is empty, parents before children; return the rows of each.

    Each table is read again from where it was written: StoreError where a row is not the same.
    `told` hears of each table that is copied and proven.
    """
    copied: dict[str, int] = {}
    for table in metadata.sorted_tables:
        sent = Checksum(table)
        with closing(_parts(source, table)) as parts:
            _writer(target)(target, table, _counted(parts, sent))
        if str(sent) != str(_checksum(target, table)):
            raise StoreError(f"the copy of {table.name} is not what it was copied from")
        copied[table.name] = sent.rows
        if told is not None:
            told(table.name, sent.rows)
    return copied


def fill_sqlite(source: Connection, file: Path, told: Told | None = None) -> dict[str, int]:
    """Make an empty file this release's database, and copy every table into it, as one file."""
    address = sqlite_url(file)
    migrate.upgrade(address)
    with (
        migrate.opened(address, may_create=False) as (engine, _),
        engine.execution_options(writes=True).begin() as connection,
    ):
        copied = copy_rows(source, connection, told)
    make_one_file(file)
    return copied


def fill_postgresql(
    source: Connection, target: Connection, told: Told | None = None
) -> dict[str, int]:
    """Copy every table into one that is empty; what was enqueued there is of another database."""
    copied = copy_rows(source, target, told)
    _go_on_counting(target)
    empty_queue(target)
    return copied


def checksums(connection: Connection) -> dict[str, str]:
    """Return the checksum of each table: alike in two databases that hold the same rows."""
    return {table.name: str(_checksum(connection, table)) for table in metadata.sorted_tables}


def _checksum(connection: Connection, table: Table) -> Checksum:
    made = Checksum(table)
    for part in _parts(connection, table):
        made.add(part)
    return made


def _counted(parts: Iterator[Rows], sent: Checksum) -> Iterator[Rows]:
    for part in parts:
        sent.add(part)
        yield part


def _quoted(name: str) -> str:
    """Return a name of ours as both databases take it."""
    return f'"{name}"'


def _names(table: Table) -> str:
    return ", ".join(_quoted(column.name) for column in table.columns)


def _parts(connection: Connection, table: Table) -> Generator[Rows, None, None]:
    """Yield the rows as the driver gives them, so many at once, in whatever order."""
    query = f"SELECT {_names(table)} FROM {_quoted(table.name)}"  # noqa: S608  # our own names
    options = {"stream_results": True, "max_row_buffer": _AT_ONCE}
    with connection.exec_driver_sql(query, execution_options=options) as rows:
        while part := rows.fetchmany(_AT_ONCE):
            yield part


def _writer(
    target: Connection,
) -> Callable[[Connection, Table, Iterator[Rows]], None]:
    return _insert if target.dialect.name == "sqlite" else _stream


def _insert(target: Connection, table: Table, parts: Iterator[Rows]) -> None:
    marks = ", ".join("?" * len(table.columns))
    statement = f"INSERT INTO {_quoted(table.name)} ({_names(table)}) VALUES ({marks})"  # noqa: S608
    cursor = target.connection.cursor()
    for part in parts:
        cursor.executemany(statement, part)
    cursor.close()


def _stream(target: Connection, table: Table, parts: Iterator[Rows]) -> None:
    driver: Any = target.connection.driver_connection
    statement = f"COPY {_quoted(table.name)} ({_names(table)}) FROM STDIN"
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for part in parts:
            for row in part:
                copy.write_row(row)


def empty_postgresql(connection: Connection, name: str) -> None:
    """Remove all rows, if nobody uses the database; else StoreError. Nobody can meanwhile."""
    refuse_used(connection, name)
    connection.execute(text(f"SET LOCAL lock_timeout = '{_PATIENCE}'"))
    connection.execute(text(f"TRUNCATE {', '.join(metadata.tables)}"))


def refuse_used(connection: Connection, name: str) -> None:
    """Raise StoreError if another of our processes is connected to a PostgreSQL database."""
    if connection.scalar(_OTHERS):
        raise StoreError(
            f"the database {name} is in use: end every `serve`, `crawl` and `worker` that uses "
            "it, then try again"
        )


def hold(connection: Connection, mode: str) -> None:
    """Take a lock on all tables of PostgreSQL until the transaction ends, or fail soon."""
    connection.execute(text(f"SET LOCAL lock_timeout = '{_PATIENCE}'"))
    connection.execute(text(f"LOCK TABLE {', '.join(metadata.tables)} IN {mode} MODE"))


def _go_on_counting(connection: Connection) -> None:
    """Let PostgreSQL give ids after those that were copied, and plan by what there is now."""
    for table in metadata.sorted_tables:
        column = table.autoincrement_column
        if column is None:
            continue
        sequence = func.pg_get_serial_sequence(table.name, column.name)
        newest = select(func.coalesce(func.max(column), 0) + 1).scalar_subquery()
        connection.execute(select(func.setval(sequence, newest, False)))
    connection.execute(text(f"ANALYZE {', '.join(metadata.tables)}"))
