"""All rows of one database into another of the same schema, SQLite or PostgreSQL."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, func, select, text

from mfl_lint.core.errors import StoreError
from mfl_lint.store.tables import metadata

_AT_ONCE: Final = 1000
_PATIENCE: Final = "5s"
_OTHERS: Final = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
    "AND pid <> pg_backend_pid() AND application_name LIKE 'mfl-lint%'"
)


def copy_rows(source: Connection, target: Connection) -> None:
    """Copy the rows of every table into tables that are empty, parents before children."""
    for table in metadata.sorted_tables:
        query = select(table).order_by(*table.primary_key)
        rows = source.execute(query.execution_options(yield_per=_AT_ONCE))
        for part in rows.mappings().partitions(_AT_ONCE):
            target.execute(table.insert(), [dict(row) for row in part])


def empty_postgresql(connection: Connection, name: str) -> None:
    """Remove all rows, if nobody uses the database; else StoreError. Nobody can meanwhile."""
    connection.execute(text(f"SET LOCAL lock_timeout = '{_PATIENCE}'"))
    if connection.scalar(_OTHERS):
        raise StoreError(
            f"the database {name} is in use: end every `serve`, `crawl` and `worker` that uses "
            "it, then restore again"
        )
    connection.execute(text(f"TRUNCATE {', '.join(metadata.tables)}"))


def go_on_counting(connection: Connection) -> None:
    """Let PostgreSQL give ids after those that were copied."""
    for table in metadata.sorted_tables:
        column = table.autoincrement_column
        if column is None:
            continue
        sequence = func.pg_get_serial_sequence(table.name, column.name)
        newest = select(func.coalesce(func.max(column), 0) + 1).scalar_subquery()
        connection.execute(select(func.setval(sequence, newest, False)))
