"""What the store says to a database, word for word, and saying it again with nothing between."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from sqlalchemy import Engine, event

Said = tuple[str, Any]
_READS: Final = ("SELECT", "WITH")


class _Cursor(sqlite3.Cursor):
    """Writes down what it is given."""

    def execute(self, sql: str, parameters: Any = ()) -> _Cursor:
        assert isinstance(self.connection, _Recording)
        self.connection.said.append((sql, parameters))
        super().execute(sql, parameters)
        return self


class _Recording(sqlite3.Connection):
    """A connection whose cursors write down in `said` what they are given."""

    said: list[Said]

    def cursor(self, factory: Any = _Cursor) -> Any:
        return super().cursor(factory)

    def rollback(self) -> None:
        self.said.append(("ROLLBACK", ()))
        super().rollback()


@contextmanager
def recorded() -> Iterator[list[Said]]:
    """Yield a list of all statements that databases opened meanwhile are given."""
    said: list[Said] = []

    class Cursor(psycopg.Cursor[Any]):
        """Writes down what it is given."""

        def execute(self, query: Any, params: Any = None, **others: Any) -> Any:
            said.append((str(query), params))
            return super().execute(query, params, **others)

    def connect(dialect: Any, record: Any, arguments: Any, options: Any) -> Any:
        if dialect.name == "postgresql":
            options["cursor_factory"] = Cursor
            return None
        connection = sqlite3.connect(*arguments, **options, factory=_Recording)
        connection.said = said
        return connection

    event.listen(Engine, "do_connect", connect)
    try:
        yield said
    finally:
        event.remove(Engine, "do_connect", connect)


class Replay:
    """One connection that says it again."""

    def __init__(self, database: str) -> None:
        self._connection = sqlite3.connect(
            database, isolation_level=None, cached_statements=512, check_same_thread=False
        )

    def rows(self, statements: Sequence[Said]) -> list[list[Any]]:
        """Return the rows of each of the statements that have any."""
        found = []
        execute = self._connection.execute
        for sql, parameters in statements:
            rows = execute(sql, parameters).fetchall()
            if rows:
                found.append(rows)
        return found

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
