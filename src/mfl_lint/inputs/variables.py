"""Fill variables into a text as Compose and Dockerfiles have them; nothing is ever guessed.

    $NAME   ${NAME}   ${NAME:-word}   ${NAME-word}   ${NAME:+word}   ${NAME+word}
    ${NAME:?message}   ${NAME?message}      (with `:` an empty value counts as none)

Source: Compose specification, "Interpolation"; Dockerfile reference, "Environment replacement".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

MAX_CHARACTERS: Final = 4096
_MAX_NESTING: Final = 20
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORD: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-+?])(.*))?", re.DOTALL)


class Filled(msgspec.Struct, frozen=True):
    """A text with its variables filled in; `why` says what hindered it, "" where nothing did.

    `unset` is the name of the variable that has no value, where that is why.
    """

    text: str
    why: str = ""
    unset: str = ""


class _Stop(Exception):
    """Filling in ended; `filled` says why."""

    def __init__(self, why: str, unset: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.unset = unset


def fill_compose(text: str, values: Mapping[str, str]) -> Filled:
    """Return the text as Compose makes it, `$$` as a dollar sign."""
    return _filled(_Filler(values, "$", quotes=False), text)


def fill_dockerfile(text: str, values: Mapping[str, str], escape: str = "\\") -> Filled:
    """Return a word of a Dockerfile as BuildKit makes it, without its quotes and escapes."""
    return _filled(_Filler(values, escape, quotes=True), text)


def _filled(filler: _Filler, text: str) -> Filled:
    try:
        return Filled(filler.fill(text))
    except _Stop as stop:
        return Filled(text, stop.why, stop.unset)


class _Filler:
    """Goes through a text once; `escape` makes the next character an ordinary one."""

    def __init__(self, values: Mapping[str, str], escape: str, *, quotes: bool) -> None:
        self._values = values
        self._escape = escape
        self._quotes = quotes

    def fill(self, text: str, nesting: int = 0) -> str:
        """Return the text filled in; raise _Stop."""
        if nesting > _MAX_NESTING:
            raise _Stop(f"variables are nested deeper than {_MAX_NESTING}")
        out: list[str] = []
        at = length = 0
        quote = ""
        while at < len(text):
            char = text[at]
            if quote != "'" and self._escapes(text, at):
                piece, at = text[at + 1], at + 2
            elif self._quotes and char in "'\"" and quote in ("", char):
                piece, quote, at = "", "" if quote else char, at + 1
            elif char == "$" and quote != "'":
                piece, at = self._variable(text, at, nesting)
            else:
                piece, at = char, at + 1
            out.append(piece)
            length += len(piece)
            if length > MAX_CHARACTERS:
                raise _Stop(f"it becomes longer than {MAX_CHARACTERS} characters")
        return "".join(out)

    def _escapes(self, text: str, at: int) -> bool:
        if text[at] != self._escape or at + 1 >= len(text):
            return False
        return self._quotes or text[at + 1] == "$"

    def _variable(self, text: str, at: int, nesting: int) -> tuple[str, int]:
        """Return the value of what begins with the dollar sign at `at`, and where it ends."""
        if text.startswith("{", at + 1):
            end = self._closing(text, at + 2)
            return self._braced(text[at + 2 : end], nesting), end + 1
        name = _NAME.match(text, at + 1)
        if name is None:
            if self._quotes:
                return "$", at + 1
            raise _Stop("a single $ that names no variable; a dollar sign is written $$")
        return self._value(name[0]), name.end()

    def _closing(self, text: str, at: int) -> int:
        """Return where the brace that is open at `at` is closed."""
        depth = 1
        while at < len(text):
            if self._escapes(text, at):
                at += 1
            elif text.startswith("${", at):
                depth, at = depth + 1, at + 1
            elif text[at] == "}":
                depth -= 1
                if not depth:
                    return at
            at += 1
        raise _Stop("a ${ is never closed")

    def _braced(self, inside: str, nesting: int) -> str:
        match = _WORD.fullmatch(inside)
        if match is None:
            raise _Stop(f"${{{inside[:60]}}} is no form that is known")
        name, operator, word = match.groups()
        if operator is None:
            return self._value(name)
        value = self._values.get(name)
        is_set = value is not None and not (operator[0] == ":" and not value)
        if operator[-1] == "+":
            return self.fill(word, nesting + 1) if is_set else ""
        if is_set and value is not None:
            return value
        if operator[-1] == "?":
            raise _Stop(f"{name} is not set: {word[:200]}" if word else f"{name} is not set", name)
        return self.fill(word, nesting + 1)

    def _value(self, name: str) -> str:
        value = self._values.get(name)
        if value is None:
            raise _Stop(f"{name} is not set", name)
        return value
