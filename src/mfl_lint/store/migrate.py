"""The schema: bringing a database to this release's, and comparing the two. Synchronous."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from mfl_lint.core.errors import StoreError
from mfl_lint.resources import migrations_path
from mfl_lint.store.addresses import one_line, parse_address, shown, sqlite_file
from mfl_lint.store.engine import set_up_sqlite
from mfl_lint.store.postgresql import PATIENT_S, postgresql_engine
from mfl_lint.store.tables import SCHEMA, metadata
from mfl_lint.store.versions import (
    is_newer_and_known_to_work,
    refuse_newer,
    stored_oldest,
    stored_revision,
    write_oldest,
)

if TYPE_CHECKING:
    from alembic.config import Config

_LOCK: Final = 0x6D666C6C
_WAIT_S: Final = 60.0
# What only some databases have: without them the same is found, more slowly.
_OPTIONAL: Final = frozenset({"ix_repositories_name_parts"})


def _config(connection: Connection | None = None, location: Path | None = None) -> Config:
    """Return Alembic's settings, without any file."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(location or migrations_path()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _known_revisions(location: Path | None) -> tuple[str, frozenset[str]]:
    """Return this release's revision and all up to it."""
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(_config(location=location))
    newest = scripts.get_current_head()
    if newest is None:
        raise StoreError("the installation is incomplete: no migrations; install it again")
    return newest, frozenset(script.revision for script in scripts.walk_revisions())


def head() -> str:
    """Return the revision that this release needs."""
    return _known_revisions(None)[0]


def oldest_of(revision: str, location: Path | None = None) -> str:
    """Return the oldest revision whose programs may use a database of this one."""
    from alembic.script import ScriptDirectory

    script = ScriptDirectory.from_config(_config(location=location)).get_revision(revision)
    return str(getattr(script.module, "oldest", revision))


def is_known(found: str) -> bool:
    """Say whether this release knows a revision."""
    return found in _known_revisions(None)[1]


@contextmanager
def opened(url: str, *, may_create: bool) -> Iterator[tuple[Engine, str]]:
    """Yield an engine without a pool and the database's name; drivers' errors are StoreError."""
    address = parse_address(url)
    name, file = shown(address), sqlite_file(address)
    if file is not None and not may_create and not file.exists():
        raise StoreError(f"there is no database {name}: `mfl-lint db upgrade` creates it")
    if file is None:
        engine = postgresql_engine(address, "mfl-lint", silence_s=PATIENT_S, poolclass=NullPool)
    else:
        engine = create_engine(address, poolclass=NullPool, connect_args={"isolation_level": None})
        _prepare_sqlite(engine)
    try:
        if file is not None and may_create:
            _create_private(file)
        yield engine, name
    except (SQLAlchemyError, engine.dialect.loaded_dbapi.Error, OSError) as error:
        raise StoreError(f"the database {name} cannot be used: {one_line(error)}") from error
    finally:
        engine.dispose()


def _create_private(file: Path) -> None:
    """Make a new file its owner's only: it holds hashes of passwords and of tokens."""
    with suppress(OSError):  # it is there, or SQLite says what is wrong
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))


def _prepare_sqlite(engine: Engine) -> None:
    """Make transactions hold all statements, those that change tables too.

    Foreign keys are checked once at the end instead: rebuilding a table drops it.
    """

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _: object) -> None:
        cursor = connection.cursor()
        set_up_sqlite(cursor, _WAIT_S)
        cursor.execute("PRAGMA foreign_keys = OFF")
        # Heeded while a file is empty only: what is removed later can be given back in steps.
        cursor.execute("PRAGMA auto_vacuum = INCREMENTAL")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        options = connection.get_execution_options()
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writes") else "BEGIN")


def _switch_to_wal(engine: Engine) -> None:
    """Let readers and the writer of an SQLite file work side by side; the file remembers it.

    SQLite does not wait for this lock by itself.
    """
    deadline = time.monotonic() + _WAIT_S
    while True:
        connection = engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
        finally:
            connection.close()
        time.sleep(0.05)


def revision(url: str) -> str | None:
    """Return the revision of the database at `url`, None if it has none (or no file exists)."""
    file = sqlite_file(parse_address(url))
    if file is not None and not file.exists():
        return None
    with opened(url, may_create=False) as (engine, _), engine.begin() as connection:
        return stored_revision(connection)


def server(url: str) -> str:
    """Return which PostgreSQL it is, "" for SQLite."""
    if sqlite_file(parse_address(url)) is not None:
        return ""
    with opened(url, may_create=False) as (engine, _), engine.begin() as connection:
        return f"PostgreSQL {connection.exec_driver_sql('SHOW server_version').scalar_one()}"


def revisions(url: str) -> tuple[str | None, str | None]:
    """Return the revision, and the oldest one whose programs may use it; None if it says none."""
    found = revision(url)
    if found is None:
        return None, None
    with opened(url, may_create=False) as (engine, _), engine.begin() as connection:
        return found, stored_oldest(connection)


def upgrade(url: str, *, location: Path | None = None) -> str:
    """Bring the database to head, creating it if needed, and return the new revision.

    All in one transaction; any number of processes may do it at once. A newer database that
    programs of this release may use is left as it is. `location` is another directory of
    migrations, for tests.
    """
    if location is None and _is_current(url):
        return SCHEMA
    newest, known = _known_revisions(location)
    with opened(url, may_create=True) as (engine, name):
        with engine.begin() as connection:
            if is_newer_and_known_to_work(connection, newest):
                return stored_revision(connection) or newest
            refuse_newer(stored_revision(connection), name, known.__contains__)
        if engine.dialect.name == "sqlite":
            _switch_to_wal(engine)
        with engine.execution_options(writes=True).begin() as connection:
            upgrade_within(connection, name, location)
    return newest


def _is_current(url: str) -> bool:
    """Say whether nothing is to be done: loading Alembic takes longer than all the rest."""
    if revision(url) != SCHEMA:
        return False
    with opened(url, may_create=False) as (engine, _):
        if engine.dialect.name == "sqlite":
            _switch_to_wal(engine)
    return True


def upgrade_within(connection: Connection, name: str, location: Path | None = None) -> None:
    """Run the missing migrations in the open transaction, when no other process runs them."""
    from alembic import command
    from alembic.util.exc import CommandError

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    newest, known = _known_revisions(location)
    before = stored_revision(connection)
    if is_newer_and_known_to_work(connection, newest):
        return
    refuse_newer(before, name, known.__contains__)
    try:
        command.upgrade(_config(connection, location), "head")
        if before != newest:
            write_oldest(connection, oldest_of(newest, location))
    except CommandError as error:
        raise StoreError(f"the database {name} cannot be upgraded: {one_line(error)}") from error
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if broken is not None:
            raise StoreError(f"the database {name} cannot be upgraded: {broken[0]} lacks a row")


def check(url: str) -> list[str]:
    """Return how the database's tables differ from this release's, [] if they do not."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with opened(url, may_create=False) as (engine, name), engine.begin() as connection:
        refuse_newer(stored_revision(connection), name, is_known)
        opts = {"compare_type": True, "include_name": _is_demanded}
        context = MigrationContext.configure(connection, opts=opts)
        return [str(item)[:300] for item in compare_metadata(context, metadata)]


def _is_demanded(name: str | None, _kind: str, _parents: object) -> bool:
    return name not in _OPTIONAL
