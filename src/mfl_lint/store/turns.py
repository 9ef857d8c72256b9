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
    fcntl = None  # type: ignore[assignment]  # a module, says mypy

SUFFIX: Final = "-turn"
_SHORTEST_S: Final = 0.0005
_LONGEST_S: Final = 0.005


class Turns:
    """Whoever writes to the database `file` takes one, for `patience_s` at most.

    A file beside the database is locked, and left there: it holds nothing. A process that ends
    in whatever way gives its turn back. Where no file can be made or locked,
    SQLite's own lock is all there is.
    """

    def __init__(self, file: Path, patience_s: float) -> None:
        self.patience_s = patience_s
        self._path = file.with_name(file.name + SUFFIX)
        self._file: int | None = None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn and hold it; sqlite3.OperationalError where none comes."""
        until, pause = time.monotonic() + self.patience_s, _SHORTEST_S
        while not self.take_now():
            if time.monotonic() > until:
                raise sqlite3.OperationalError("database is locked")
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_S)
        try:
            yield
        finally:
            self.give_back()

    def take_now(self) -> bool:
        """Take a turn if nobody has it, and say whether; to be given back."""
        if self._file is None:
            # Somebody else's file need not be written to be locked.
            for way in (os.O_RDWR | os.O_CREAT, os.O_RDONLY):
                with suppress(OSError):
                    self._file = os.open(self._path, way | os.O_CLOEXEC, 0o666)
                    break
        if fcntl is None or self._file is None:
            return True
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # no such locks in this file system: SQLite's own is all there is
            return True
        return True

    def works(self) -> bool:
        """Say whether there are such locks here."""
        self.take_now()
        if fcntl is None or self._file is None:
            return False
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            self.give_back()
            self.close()
        return True

    def give_back(self) -> None:
        """Let the next one have the turn."""
        if fcntl is not None and self._file is not None:
            with suppress(OSError):
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
