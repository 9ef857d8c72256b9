"""Backups: one SQLite file with everything, whichever database it is of or for. Synchronous.

The same file goes back into SQLite or PostgreSQL, so that no other program of the right release
is needed, and a move from one to the other is a backup and a restore.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mfl_lint.core.errors import Refused, StoreError
from mfl_lint.store import migrate, transfer
from mfl_lint.store.addresses import one_line, parse_address, sqlite_file, sqlite_url
from mfl_lint.store.sqlite_copies import (
    copy_file,
    draft_beside,
    first_damage,
    put_in_place,
    synced,
)
from mfl_lint.store.versions import check_schema, refuse_newer


def back_up(url: str, file: Path, *, force: bool = False) -> int:
    """Write the database at `url` to `file`, as it is at one instant; return the size in bytes.

    The file is there whole or not at all. Refused where it is there already, without `force`.
    """
    source = sqlite_file(parse_address(url))
    if source is not None and not source.is_file():
        raise StoreError(f"there is no database {source}")
    _refuse_target(file, source, force=force)
    with _complaining(f"the backup {file} cannot be written"), draft_beside(file) as draft:
        if source is None:
            _copy_from_postgresql(url, draft)
        else:
            _copy_from_sqlite(source, draft)
        synced(draft)
        _refuse_target(file, source, force=force)
        size_bytes = draft.stat().st_size
        os.replace(draft, file)
        synced(file.absolute().parent)
    return size_bytes


def restore(url: str, file: Path, *, force: bool = False) -> str:
    """Put a backup in the place of the database at `url`, and return its schema's revision.

    An older one is brought to this release's schema. All or nothing: on any error the database
    is as it was. StoreError where it is in use; Refused where it is there, without `force`.
    """
    target = sqlite_file(parse_address(url))
    if not file.is_file():
        raise Refused(f"{file}: there is no such file")
    if target is not None and target.exists() and target.samefile(file):
        raise Refused(f"{file} is the database itself")
    if not force and migrate.revision(url) is not None:
        raise Refused("there is a database already: --force replaces all that it holds")
    with _complaining("the backup cannot be restored"), _made_current(file, target) as draft:
        if target is None:
            _copy_to_postgresql(draft, url)
        else:
            put_in_place(draft, target)
    return migrate.head()


def _refuse_target(file: Path, source: Path | None, *, force: bool) -> None:
    """Raise Refused for a place where nothing may be written."""
    if not os.path.lexists(file):
        return
    if source is not None and file.exists() and file.samefile(source):
        raise Refused(f"{file} is the database itself")
    if not file.is_file():
        raise Refused(f"{file} is no file")
    if not force:
        raise Refused(f"{file} is there already: --force replaces it")


@contextmanager
def _complaining(what: str) -> Iterator[None]:
    """Turn errors of files and of SQLite into a line that says what did not work."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(f"{what}: {one_line(error)}") from error
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        raise StoreError(f"{what}: {place}{error.strerror}") from error


def _copy_from_sqlite(source: Path, draft: Path) -> None:
    try:
        copy_file(source, draft)
        damage = first_damage(draft)
    except sqlite3.Error as error:
        raise StoreError(f"the database {source} cannot be read: {one_line(error)}") from error
    if damage:
        raise StoreError(f"the database {source} is damaged, so nothing was written: {damage}")
    if migrate.revision(sqlite_url(draft)) is None:
        raise StoreError(f"the database {source} has no tables yet")


def _copy_from_postgresql(url: str, draft: Path) -> None:
    with migrate.opened(url, may_create=False) as (source, name):
        one_state = source.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        with one_state.begin() as there:
            check_schema(there, name)
            transfer.fill_sqlite(there, draft)


def _copy_to_postgresql(draft: Path, url: str) -> None:
    with (
        migrate.opened(sqlite_url(draft), may_create=False) as (source, _),
        migrate.opened(url, may_create=True) as (target, name),
        source.begin() as there,
        target.begin() as here,
    ):
        migrate.upgrade_within(here, name)
        transfer.empty_postgresql(here, name)
        transfer.fill_postgresql(there, here)


@contextmanager
def _made_current(file: Path, target: Path | None) -> Iterator[Path]:
    """Yield a copy of a backup, checked and with this release's schema."""
    with tempfile.TemporaryDirectory(prefix="mfl-lint-") as folder:
        beside = target if target is not None else Path(folder) / "mfl-lint.db"
        with draft_beside(beside) as draft:
            try:
                copy_file(file, draft)
                damage = first_damage(draft)
                found = None if damage else migrate.revision(sqlite_url(draft))
            except (sqlite3.Error, StoreError) as error:
                raise Refused(f"{file} is no backup: {one_line(error)}") from error
            if damage:
                raise Refused(f"{file} is damaged: {damage}")
            if found is None:
                raise Refused(f"{file} is no backup: it has no schema of mfl-lint")
            refuse_newer(found, str(file), migrate.is_known)
            migrate.upgrade(sqlite_url(draft))
            yield draft
