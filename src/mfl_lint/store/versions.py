"""Which schema a database has, and which programs may use it.

So that services can be replaced one after the other, a database that a newer release upgraded may
say that older programs go on with it: beside its revision stands the oldest one whose programs
know all that they must. Each migration says that of itself (`oldest`), and a test holds it to that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection, inspect, text

from mfl_lint.core.errors import StoreError
from mfl_lint.store.tables import SCHEMA

_TABLE: Final = "alembic_version"
_UPGRADE: Final = "`mfl-lint db upgrade`"


def stored_revision(connection: Connection) -> str | None:
    """Return the revision that the database is at, None if it has none."""
    if not inspect(connection).has_table(_TABLE):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    return max(found, default=None)


def stored_oldest(connection: Connection) -> str | None:
    """Return the oldest revision whose programs may use the database, None if it says none."""
    if not _says_oldest(connection):
        return None
    found = connection.scalar(text("SELECT max(oldest) FROM alembic_version"))
    return None if found is None else str(found)


def write_oldest(connection: Connection, oldest: str) -> None:
    """Let the database say whose programs may use it."""
    if not _says_oldest(connection):
        connection.execute(text("ALTER TABLE alembic_version ADD COLUMN oldest VARCHAR(32)"))
    connection.execute(text("UPDATE alembic_version SET oldest = :oldest"), {"oldest": oldest})


def _says_oldest(connection: Connection) -> bool:
    seen = inspect(connection)
    if not seen.has_table(_TABLE):
        return False
    return any(column["name"] == "oldest" for column in seen.get_columns(_TABLE))


def is_newer_and_known_to_work(connection: Connection, own: str = SCHEMA) -> bool:
    """Say whether a newer release upgraded the database, and programs of schema `own` may go on."""
    found, oldest = stored_revision(connection), stored_oldest(connection)
    return found is not None and oldest is not None and oldest <= own < found


def refuse_newer(found: str | None, name: str, known: Callable[[str], bool]) -> None:
    """Raise StoreError if the database's schema is one that this release does not know."""
    if found is not None and not known(found):
        raise StoreError(
            f"the database {name} has schema {found[:40]}, newer than this release's {SCHEMA}: "
            "use the newer mfl-lint, or another database"
        )


def check_usable(connection: Connection, name: str) -> None:
    """Raise StoreError unless the schema is this release's, or a newer one that it may use."""
    if not is_newer_and_known_to_work(connection):
        check_schema(connection, name)


def check_schema(connection: Connection, name: str) -> None:
    """Raise StoreError unless the schema is this release's."""
    found = stored_revision(connection)
    if found is None:
        raise StoreError(f"the database {name} has no tables yet: run {_UPGRADE}")
    refuse_newer(found, name, lambda revision: revision <= SCHEMA)
    if found != SCHEMA:
        raise StoreError(
            f"the database {name} has schema {found}, this release needs {SCHEMA}: run {_UPGRADE}"
        )
