"""Turns of processes that write to one SQLite database: one transaction at a time.

SQLite has a lock of its own for that. But who waits for it sleeps longer and longer, and before
3.51.3 two processes that write and checkpoint at the same instant can, rarely, lose a commit.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

try:
    import fcntl
except ImportError:  # a system without it: SQLite's own lock is all there is
    fcntl = None  # type: ignore[assignment]

SUFFIX: Final = "-turn"
_SHORTEST_S: Final = 0.0005
_LONGEST_S: Final = 0.005


class Turns:
    """Whoever writes to the database `file` takes one, for `patience_s` at most.

    A file beside the database is locked, and left there: it holds nothing. A process that ends
    in whatever way gives its turn back. Where no file can be made nobody can write either:
    SQLite says so.
    """

    def __init__(self, file: Path, patience_s: float) -> None:
        self._patience_s = patience_s
        self._path = file.with_name(file.name + SUFFIX)
        self._file: int | None = None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn and hold it; sqlite3.OperationalError where none comes."""
        file = self._opened()
        if fcntl is None or file is None:
            yield
            return
        self._take(file)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)

    def _opened(self) -> int | None:
        if self._file is None:
            with suppress(OSError):
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        return self._file

    def _take(self, file: int) -> None:
        until, pause = time.monotonic() + self._patience_s, _SHORTEST_S
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    raise sqlite3.OperationalError("database is locked") from None
            else:
                return
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_S)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
