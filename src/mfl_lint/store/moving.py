"""A database into another place, SQLite or PostgreSQL, with all that it holds. Synchronous."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, event, select, text

from mfl_lint.core.errors import Refused, StoreError
from mfl_lint.store import migrate, transfer
from mfl_lint.store.addresses import parse_address, sqlite_file
from mfl_lint.store.sqlite_copies import close_to_others, draft_beside, said_in_use, synced
from mfl_lint.store.tables import metadata
from mfl_lint.store.turns import Turns
from mfl_lint.store.versions import check_schema

_PATIENCE_S: Final = 5.0


def move(url: str, target: str, told: transfer.Told | None = None) -> dict[str, int]:
    """Copy the database at `url` to `target`, and return the rows of each table.

    Nobody writes to it meanwhile: StoreError where somebody is at it. Refused where anything is at
    the target. All or nothing, each table proven by reading it again; the old one is left as it is.
    """
    there = sqlite_file(parse_address(target))
    if there is not None and there.exists():
        raise Refused(f"{there} is there already: move to a file that is not")
    if parse_address(url) == parse_address(target):
        raise Refused("that is the database itself")
    with _held(url) as source:
        if there is None:
            return _to_postgresql(source, target, told)
        return _to_sqlite(source, there, told)


@contextmanager
def _held(url: str) -> Iterator[Connection]:
    """Yield a transaction on the source that nobody can write beside."""
    file = sqlite_file(parse_address(url))
    with (
        migrate.opened(url, may_create=False) as (engine, name),
        _locked(engine, name) if file is None else _alone(engine, file) as connection,
    ):
        check_schema(connection, name)
        yield connection


@contextmanager
def _alone(engine: Engine, file: Path) -> Iterator[Connection]:
    """Yield a transaction on an SQLite file that nobody else has open, nor can open meanwhile."""
    event.listen(engine, "connect", partial(_close_to_others, file), insert=True)
    turns = Turns(file, _PATIENCE_S)
    try:
        with turns.turn(), engine.execution_options(writes=True).begin() as connection:
            yield connection
    finally:
        turns.close()


def _close_to_others(file: Path, connection: Any, _: object) -> None:
    with said_in_use(file, "move"):
        close_to_others(connection)


@contextmanager
def _locked(engine: Engine, name: str) -> Iterator[Connection]:
    """Yield a transaction on PostgreSQL whose tables nobody writes to until it ends."""
    with engine.begin() as connection:
        check_schema(connection, name)
        transfer.refuse_used(connection, name)
    with engine.execution_options(isolation_level="REPEATABLE READ").begin() as connection:
        # Before anything is read: what the transaction sees is what there is at its first query.
        transfer.hold(connection, "SHARE")
        transfer.refuse_used(connection, name)
        yield connection


def _to_postgresql(source: Connection, target: str, told: transfer.Told | None) -> dict[str, int]:
    with migrate.opened(target, may_create=True) as (engine, name), engine.begin() as connection:
        migrate.upgrade_within(connection, name)
        transfer.refuse_used(connection, name)
        transfer.hold(connection, "ACCESS EXCLUSIVE")
        for table in metadata.sorted_tables:
            if connection.execute(select(text("1")).select_from(table).limit(1)).first():
                raise Refused(f"the database {name} is not empty: it has rows in {table.name}")
        return transfer.fill_postgresql(source, connection, told)


def _to_sqlite(source: Connection, file: Path, told: transfer.Told | None) -> dict[str, int]:
    try:
        with draft_beside(file) as draft:
            copied = transfer.fill_sqlite(source, draft, told)
            synced(draft)
            if file.exists():
                raise Refused(f"{file} is there already: move to a file that is not")
            draft.replace(file)
            synced(file.absolute().parent)
            return copied
    except OSError as error:
        raise StoreError(f"{file} cannot be written: {error.strerror}") from error
