"""Statements that are worked out once: SQLAlchemy says their text, the driver runs them.

SQLAlchemy's way from a small statement to the driver and back costs several times what the
database does, and a crawl has thirty of them a repository.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, Connection, Dialect, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType

from mfl_lint.store.columns import Many, plain

Given = Mapping[str, Any]
Read = Callable[[Any], Any]
T = TypeVar("T")


class _Among(FunctionElement[Any]):
    """Whether a column's value is one of those in a parameter: one text for any number."""

    inherit_cache = True
    # Not Boolean: SQLite would be asked for `... = 1`, which no index helps with.
    type = NullType()


@compiles(_Among, "sqlite")
def _in_json(element: Any, compiler: Any, **options: Any) -> str:
    column, wanted = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({wanted}))"  # noqa: S608  # both are SQL


@compiles(_Among, "postgresql")
def _in_array(element: Any, compiler: Any, **options: Any) -> str:
    column, wanted = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} = ANY ({wanted})"


def among(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Return the condition that the column has one of the values of the parameter `name`."""
    return _Among(column, bindparam(name, type_=Many(column.type)))


def _row(names: Sequence[str]) -> Callable[[Sequence[Any]], Any]:
    """Return what gives a row's values their names."""
    made: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc]  # known here only
    make: Callable[[Sequence[Any]], Any] = made._make
    return make


class _Ready:
    """A statement in the words of one database. What has a value in it need not be given."""

    def __init__(self, statement: Any, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self.sql = str(compiled)
        self.positional = bool(compiled.positional)
        names = compiled.positiontup if self.positional else list(compiled.params)
        required = {name for name, bind in compiled.binds.items() if bind.required}
        self._fixed = {n: compiled.params[n] for n in names if n not in required}
        self._plan = [(name, plain(compiled.binds[name].type, dialect)) for name in names]
        columns = list(statement.exported_columns)
        self._row = _row([str(one.key) for one in columns])
        readers = (
            one.type.dialect_impl(dialect).result_processor(dialect, None) for one in columns
        )
        self._readers = [(at, read) for at, read in enumerate(readers) if read is not None]

    def bound(self, given: Given) -> Any:
        """Return the parameters as the driver takes them."""
        if self._fixed:
            given = {**self._fixed, **given}
        made = [
            write(value) if (value := given[name]) is not None and write else value
            for name, write in self._plan
        ]
        if self.positional:
            return made
        return dict(zip((name for name, _ in self._plan), made, strict=True))

    def row(self, values: Sequence[Any]) -> Any:
        """Return a row of the driver's as values with names."""
        if not self._readers:
            return self._row(values)
        changed = list(values)
        for at, reader in self._readers:
            changed[at] = reader(changed[at])
        return self._row(changed)


class Unread:
    """A row as the driver gave it, so that what was made of it before need not be made again.

    It is found by its first value, an id, and then compared: to hash all of it takes longer.
    """

    __slots__ = ("read", "values")

    def __init__(self, read: Read, values: Sequence[Any]) -> None:
        self.read = read
        self.values = values

    def __hash__(self) -> int:
        return hash(self.values[0])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unread) and self.values == other.values


class Prepared:
    """A statement that is compiled once for each database. Its parameters are given by name.

    In place of `in_`, which has another text for each number of values: `among`.
    """

    def __init__(self, statement: Any) -> None:
        self._statement: Final = statement
        self._ready: dict[str, _Ready] = {}

    def _of(self, dialect: Dialect) -> _Ready:
        ready = self._ready.get(dialect.name)
        if ready is None:
            ready = self._ready[dialect.name] = _Ready(self._statement, dialect)
        return ready

    def rows(self, connection: Connection, /, **given: object) -> list[Any]:
        """Return the rows, whose values are named as the columns."""
        ready = self._of(connection.dialect)
        cursor = connection.connection.cursor()
        cursor.execute(ready.sql, ready.bound(given))
        return [ready.row(values) for values in cursor.fetchall()]

    def made(
        self, connection: Connection, make: Callable[[Unread], T], /, **given: object
    ) -> list[T]:
        """Return what is made of each row; `make` may remember what it made of those alike."""
        read, rows = self.unread(connection, **given)
        return [make(Unread(read, values)) for values in rows]

    def unread(self, connection: Connection, /, **given: object) -> tuple[Read, list[Any]]:
        """Return how a row is read, and the driver's own rows."""
        ready = self._of(connection.dialect)
        cursor = connection.connection.cursor()
        cursor.execute(ready.sql, ready.bound(given))
        return ready.row, list(cursor.fetchall())

    def one(self, connection: Connection, /, **given: object) -> Any:
        """Return the only row, None if there is none."""
        found = self.rows(connection, **given)
        return found[0] if found else None

    def run(self, connection: Connection, /, **given: object) -> int:
        """Return how many rows the statement changed."""
        ready = self._of(connection.dialect)
        cursor = connection.connection.cursor()
        cursor.execute(ready.sql, ready.bound(given))
        return cursor.rowcount

    def run_each(self, connection: Connection, given: Sequence[Given]) -> None:
        """Run the statement once for each of the given parameters."""
        ready = self._of(connection.dialect)
        connection.connection.cursor().executemany(ready.sql, [ready.bound(one) for one in given])
