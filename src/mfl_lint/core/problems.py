"""What is wrong with a document: collected, bounded, in an order that never varies."""

from __future__ import annotations

import re
from typing import Final

from mfl_lint.core.manifest import Problem, ProblemKind

MAX_PROBLEMS: Final = 20
MAX_SHOWN: Final = 100
MAX_WHERE: Final = 200

_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class Odd:
    """Stands for a number that JSON does not have or that nobody can mean; reported already."""

    def __init__(self, text: str) -> None:
        self.text = text


def shown(value: object) -> str:
    """Return a JSON value as a message shows it: one line, escaped, MAX_SHOWN characters of it."""
    if isinstance(value, str):
        return repr(value) if len(value) <= MAX_SHOWN else f"{value[:MAX_SHOWN]!r}…"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "an array"
    text = value.text if isinstance(value, Odd) else str(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def below(where: str, key: str) -> str:
    """Return the path of `key` in the object at `where`."""
    if _PLAIN_KEY.fullmatch(key) is None:
        return f"{where}[{key[:64]!r}]"[:MAX_WHERE]
    return (f"{where}.{key}" if where else key)[:MAX_WHERE]


class Problems:
    """Collects problems; `kept` holds the ambiguous first, MAX_PROBLEMS at most."""

    def __init__(self) -> None:
        self._found: dict[ProblemKind, list[Problem]] = {}
        self._count = 0

    def invalid(self, where: str, message: str) -> None:
        """Note a breach of the specification."""
        self._add(ProblemKind.INVALID, where, message)

    def ambiguous(self, where: str, message: str) -> None:
        """Note what two readers may read in two ways."""
        self._add(ProblemKind.AMBIGUOUS, where, message)

    def missing(self, where: str, key: str) -> None:
        """Note that a required field is absent or null."""
        self.invalid(below(where, key), f"{key} is missing")

    def wrong(self, where: str, value: object, expected: str) -> None:
        """Note a value of another type than `expected`, unless it was reported as no value."""
        if len(self._found.get(ProblemKind.INVALID, ())) == MAX_PROBLEMS:
            self._count += 1
        elif not isinstance(value, Odd):
            self.invalid(where, f"{shown(value)} is not {expected}")

    def kept(self) -> tuple[Problem, ...]:
        """Return the problems; where there are too many the last one says how many more."""
        if not self._count:
            return ()
        invalid = self._found.get(ProblemKind.INVALID, [])
        found = self._found.get(ProblemKind.AMBIGUOUS, []) + invalid
        if self._count <= MAX_PROBLEMS:
            return tuple(found)
        kind = ProblemKind.INVALID if invalid else ProblemKind.AMBIGUOUS
        more = f"and {self._count - MAX_PROBLEMS + 1} more problems"
        return (*found[: MAX_PROBLEMS - 1], Problem(kind, "", more))

    def _add(self, kind: ProblemKind, where: str, message: str) -> None:
        self._count += 1
        found = self._found.setdefault(kind, [])
        if len(found) < MAX_PROBLEMS:
            found.append(Problem(kind, where, message))
