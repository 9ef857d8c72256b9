"""Processes that are told lines and answer with lines."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

_ROOT: Final = Path(__file__).resolve().parent.parent
_MOST: Final = 200


class Talking:
    """A process; `heard` is the line that it began with."""

    def __init__(self, process: subprocess.Popen[str], *, greets: bool) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._in: IO[str] = process.stdin
        self._out: IO[str] = process.stdout
        self.heard = self._line() if greets else ""

    @staticmethod
    @contextmanager
    def to(module: str, *arguments: str, greets: bool = True) -> Iterator[Talking]:
        """Yield the module's process, which ends with its standard input."""
        with subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            talking = Talking(process, greets=greets)
            try:
                yield talking
            finally:
                talking.end()

    def _line(self) -> str:
        line = self._out.readline().strip()
        if not line:
            raise RuntimeError("a process of the benchmark ended")
        return line

    def ask(self, text: str) -> str:
        """Return the line that answers a line."""
        self._in.write(f"{text}\n")
        self._in.flush()
        return self._line()

    def ask_number(self, text: str) -> float:
        """Return the number that answers a line."""
        return float(self.ask(text))

    def ask_json(self, text: str) -> dict[str, float]:
        """Return what answers a line as JSON."""
        found: dict[str, float] = json.loads(self.ask(text))
        return found

    def end(self) -> None:
        """End its standard input."""
        if not self._in.closed:
            self._in.close()

    def last_words(self) -> dict[str, Any]:
        """End its standard input, and return what it says to that, as JSON."""
        self.end()
        found: dict[str, Any] = json.loads(self._line())
        return found


def page_cursor(port: int, behind: int) -> str:
    """Return the cursor behind so many findings, found as anybody finds it: page by page."""
    cursor = ""
    while behind:
        limit = min(behind, _MOST)
        path = f"/api/v1/findings?limit={limit}" + (f"&cursor={cursor}" if cursor else "")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
            cursor = json.load(answer)["next_cursor"]
        behind -= limit
    return cursor
