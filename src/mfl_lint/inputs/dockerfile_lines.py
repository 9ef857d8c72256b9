"""A Dockerfile's instructions: continuations joined, comments and heredocs taken out.

Source: Dockerfile reference ("Parser directives", "Here-documents"); BuildKit's parser.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

# Flags and names stand at the front; a script behind them may be as long as it likes.
MAX_WORDS: Final = 10_000
_DIRECTIVE: Final = re.compile(r"#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(\S+)\s*")
_WITH_HEREDOCS: Final = frozenset({"RUN", "COPY", "ADD"})
_HEREDOC: Final = re.compile(r"\d*<<(-?)([^<]+)")
_QUOTED: Final = r"\"(?:[^\"\\]|\\.)*\"|'[^']*'"
_WORD: Final = re.compile(rf"(?:{_QUOTED}|\\.|[^\s\"'\\])+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Word:
    """One word of an instruction, quotes and all, and the line it stands in."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction; `name` is upper case, `unended` a heredoc whose end is missing."""

    name: str
    line: int
    words: tuple[Word, ...]
    unended: str = ""


def escape_of(text: str) -> str:
    """Return the escape character that the parser directives at the top choose."""
    for line in text.split("\n"):
        match = _DIRECTIVE.fullmatch(line.strip())
        if match is None:
            break
        if match[1].lower() == "escape" and match[2] in ("\\", "`"):
            return match[2]
    return "\\"


def instructions(text: str, escape: str) -> Iterator[Instruction]:
    """Yield the instructions of a Dockerfile."""
    rows = [line.removesuffix("\r") for line in text.split("\n")]
    at = 0
    while at < len(rows):
        if not rows[at].strip() or _is_comment(rows[at]):
            at += 1
            continue
        logical, at = _joined(rows, at, escape)
        name, words = logical.words()
        unended = ""
        if name in _WITH_HEREDOCS:
            for end, has_tabs in _heredocs(logical.text):
                at, found = _behind(rows, at, end, has_tabs)
                unended = unended or ("" if found else end)
        yield Instruction(name, logical.lines[0], words, unended)


@dataclass(frozen=True, slots=True)
class _Logical:
    """A joined line; `starts[i]` is where what stood in line `lines[i]` begins."""

    text: str
    starts: list[int]
    lines: list[int]

    def words(self) -> tuple[str, tuple[Word, ...]]:
        """Return the instruction's name and its words."""
        found = list(islice(re.finditer(r"\S+", self.text), MAX_WORDS))
        words = (Word(word[0], self._line(word.start())) for word in found[1:])
        return found[0][0].upper() if found else "", tuple(words)

    def _line(self, offset: int) -> int:
        return self.lines[bisect_right(self.starts, offset) - 1]


def _joined(rows: list[str], at: int, escape: str) -> tuple[_Logical, int]:
    """Return the instruction that begins at a row, and the row behind it."""
    pieces: list[str] = []
    starts: list[int] = []
    lines: list[int] = []
    length = 0
    goes_on = True
    while goes_on and at < len(rows):
        row, at = rows[at], at + 1
        if pieces and (not row.strip() or _is_comment(row)):
            continue
        bare = row.rstrip(" \t")
        goes_on = bare.endswith(escape)
        piece = bare[:-1] if goes_on else row
        pieces.append(piece)
        starts.append(length)
        lines.append(at)
        length += len(piece)
    return _Logical("".join(pieces), starts, lines), at


def _is_comment(row: str) -> bool:
    return row.lstrip().startswith("#")


def _heredocs(text: str) -> list[tuple[str, bool]]:
    """Return the ends of the heredocs that a line opens, and whether tabs may stand before."""
    if "<<" not in text or _has_open_quote(text):
        return []
    found = (_HEREDOC.fullmatch(word[0]) for word in _WORD.finditer(text) if "<<" in word[0])
    ends = ((re.sub(r"[\"']", "", match[2]), bool(match[1])) for match in found if match)
    return [(end, has_tabs) for end, has_tabs in ends if end]


def _has_open_quote(text: str) -> bool:
    return any(quote in _WORD.sub("", text) for quote in "\"'")


def _behind(rows: list[str], at: int, end: str, has_tabs: bool) -> tuple[int, bool]:
    """Return the row behind a heredoc's end, and whether it has one."""
    while at < len(rows):
        row, at = rows[at], at + 1
        if (row.lstrip("\t") if has_tabs else row) == end:
            return at, True
    return at, False
