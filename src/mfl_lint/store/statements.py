"""What every module says to the database in the same way."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, Final, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    Select,
    bindparam,
    func,
    literal,
    select,
)

from mfl_lint.core.errors import StoreError
from mfl_lint.store.prepared import Prepared, Unread, among
from mfl_lint.store.tables import registries

T = TypeVar("T")
_CHUNK: Final = 800
_REGISTRY_ID: Final = select(registries.c.id).where(registries.c.name == bindparam("name"))


def chunks(items: Iterable[T], size: int = _CHUNK) -> Iterator[list[T]]:
    """Yield the items in lists that fit into one statement's parameters."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


def all_rows(
    connection: Connection, query: Executable, parameters: Mapping[str, object] | None = None
) -> Sequence[Any]:
    """Return the query's rows."""
    return connection.execute(query, parameters).all()


def one_row(connection: Connection, query: Executable) -> Any:
    """Return the query's only row, None if it has none."""
    return connection.execute(query).one_or_none()


def run(connection: Connection, statement: Executable) -> int:
    """Return how many rows the statement changed."""
    return connection.execute(statement).rowcount


def fetch_in(
    connection: Connection,
    /,
    query: Select[Any],
    column: ColumnElement[Any],
    values: Iterable[object],
    **parameters: object,
) -> list[Any]:
    """Return the query's rows whose column has one of the values.

    Quickest with a query that is made once, and `parameters` for what is not the same each time.
    """
    wanted = list(values)
    if not wanted:
        return []
    statement = _narrowed(query, column)
    return list(connection.execute(statement, {"wanted": wanted, **parameters}).all())


@lru_cache(maxsize=64)
def _narrowed(query: Select[Any], column: ColumnElement[Any]) -> Select[Any]:
    return query.where(among(column, "wanted"))


def registry_id(connection: Connection, name: str) -> int:
    """Return the id of a registry; StoreError if the store does not know it."""
    found = connection.scalar(_REGISTRY_ID, {"name": name})
    if found is None:
        raise StoreError(f"the store knows no registry {name[:100]!r}")
    return int(found)


def visible(sees: Collection[str] | None, query: Select[Any]) -> Select[Any]:
    """Return the query of rows in their registries, without those that nobody may know of here."""
    return query if sees is None else query.where(registries.c.name.in_(sees))


class Sighted:
    """A statement that is worked out once for who sees everything, and once for all others."""

    def __init__(self, query: Select[Any]) -> None:
        self._whole: Final = Prepared(query)
        self._narrowed: Final = Prepared(query.where(among(registries.c.name, "sees")))

    def rows(
        self, connection: Connection, sees: Collection[str] | None, /, **given: object
    ) -> list[Any]:
        """Return the rows that may be known of."""
        if sees is None:
            return self._whole.rows(connection, **given)
        return self._narrowed.rows(connection, sees=sees, **given)

    def made(
        self,
        connection: Connection,
        make: Callable[[Unread], T],
        sees: Collection[str] | None,
        /,
        **given: object,
    ) -> list[T]:
        """Return what is made of each row that may be known of."""
        if sees is None:
            return self._whole.made(connection, make, **given)
        return self._narrowed.made(connection, make, sees=sees, **given)


def is_pattern(glob: str) -> bool:
    """Say whether a text may match others than itself."""
    return "*" in glob or "?" in glob


def matches(dialect: str, column: ColumnElement[Any], glob: str) -> ColumnElement[bool]:
    """Return the condition that the whole text matches; `*` crosses slashes, `?` is one character.

    A text without either is compared, so that an index of the column is used; SQLite looks for one
    between two stars, which is quicker there than a pattern, and PostgreSQL may have an index for
    it. Both databases stop such patterns early, so that none takes long.
    """
    if not is_pattern(glob):
        return column == glob
    stars = re.sub(r"\*+", "*", glob)
    if dialect == "sqlite":
        part = stars.strip("*")
        if stars == f"*{part}*" and not is_pattern(part):
            return func.instr(column, literal(part, column.type)) > 0
        return column.op("GLOB", is_comparison=True)(stars.replace("[", "[[]"))
    quoted = re.sub(r"([\\%_])", r"\\\1", stars).replace("*", "%").replace("?", "_")
    return column.like(quoted, escape="\\")
