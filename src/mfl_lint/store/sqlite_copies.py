"""Whole SQLite files: copied as they are at one instant, and put in another's place."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote

from mfl_lint.core.errors import StoreError
from mfl_lint.store.turns import Turns

# What SQLite leaves beside a file whose process was killed.
_BESIDE: Final = ("-wal", "-shm", "-journal", "-turn")
_PATIENCE_S: Final = 5.0


@contextmanager
def draft_beside(file: Path) -> Iterator[Path]:
    """Yield a new empty file in the same folder, readable by its owner only; gone at the end."""
    handle, name = tempfile.mkstemp(".part", f".{file.name}.", file.absolute().parent)
    os.close(handle)
    draft = Path(name)
    try:
        yield draft
    finally:
        for path in (draft, *(Path(f"{draft}{suffix}") for suffix in _BESIDE)):
            path.unlink(missing_ok=True)


def copy_file(source: Path, target: Path) -> None:
    """Copy what was committed, while others write; sqlite3.Error where it cannot be read.

    It is one read transaction: a copy in steps begins anew whenever another process writes.
    """
    address = f"file:{quote(str(source.absolute()))}?mode=ro"
    with (
        closing(sqlite3.connect(address, uri=True, timeout=_PATIENCE_S)) as there,
        closing(sqlite3.connect(target)) as here,
    ):
        there.backup(here)
        # So that it is one file, whole without others beside it.
        here.execute("PRAGMA journal_mode = DELETE")


def first_damage(file: Path) -> str:
    """Return what is wrong inside a file, "" where nothing is."""
    with closing(sqlite3.connect(file)) as connection:
        (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    return "" if said == "ok" else str(said).replace("\n", " ")[:200]


def make_one_file(file: Path) -> None:
    """Take what SQLite keeps beside a file into it."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")


def synced(file: Path) -> None:
    """Return when the file, or the folder, is on the disk."""
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def put_in_place(draft: Path, target: Path) -> None:
    """Replace all of an SQLite database by another's content; StoreError where it is in use.

    It is one transaction of SQLite: whoever is killed meanwhile leaves what was there before.
    """
    turns = Turns(target, _PATIENCE_S)
    try:
        with (
            said_in_use(target, "restore"),
            turns.turn(),
            closing(_alone(target)) as there,
            closing(sqlite3.connect(draft)) as new,
        ):
            new.backup(there)
    finally:
        turns.close()


@contextmanager
def said_in_use(file: Path, what: str) -> Iterator[None]:
    """Turn SQLite's word for it into a StoreError: end what has the file open, do `what` again."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
        raise StoreError(
            f"the database {file} is in use: end `serve`, `crawl` and whatever else has it open, "
            f"then {what} again"
        ) from error


def close_to_others(connection: sqlite3.Connection) -> None:
    """Have a file to oneself until the connection ends; refused while anybody has it open."""
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("BEGIN EXCLUSIVE")
    connection.execute("COMMIT")


def _alone(target: Path) -> sqlite3.Connection:
    """Return a connection to a database that nobody else has open, nor can open meanwhile."""
    with suppress(FileExistsError):
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(target, isolation_level=None, timeout=_PATIENCE_S)
    try:
        connection.execute("PRAGMA synchronous = FULL")
        close_to_others(connection)
        connection.execute("PRAGMA journal_mode = DELETE")
    except BaseException:
        connection.close()
        raise
    return connection
