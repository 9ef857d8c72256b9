"""From TOML's tables to settings: every mistake is gathered, each with its key."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from typing import Any, Final, Literal, TypeVar, get_args, get_origin

import msgspec

from mfl_lint.config_checks import MAX_MISTAKES
from mfl_lint.config_kinds import Settings
from mfl_lint.core.errors import ConfigInvalid

_SHOWN_CHARACTERS: Final = 100

_DURATION: Final = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*(ms|s|m|h|d|w)", re.ASCII)
_UNITS_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_IN_TOML: Final = (
    ("`object`", "a table"),
    ("`array`", "a list"),
    ("`int`", "a whole number"),
    ("`float`", "a number"),
    ("`str`", "text"),
    ("`bool`", "true or false"),
)
_WRONG: Final = object()

T = TypeVar("T", bound=Settings)


def parse_duration(value: object, key: str) -> float:
    """Return seconds; `value` is a number of seconds or text like "90s", "10m", "24h", "14d"."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12:
        return float(value)
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ConfigInvalid(f'{key}: {value!r:.60} is no duration; write "90s", "10m" or "24h"')
    return float(match[1]) * _UNITS_S[match[2]]


class Reading:
    """One file as it is read: what is wrong with it, and each table that could be read.

    A setting that is wrong stays at its default, so that all others are looked at too.
    """

    def __init__(self) -> None:
        self._mistakes: list[str] = []
        self._tables: list[tuple[str, Settings]] = []

    def add(self, mistake: str) -> None:
        """Note a mistake; raise ConfigInvalid when there are too many to show."""
        if len(self._mistakes) >= MAX_MISTAKES:
            raise ConfigInvalid(*self._mistakes, "…: there are more mistakes than these")
        self._mistakes.append(mistake)

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Note the mistakes that are raised, instead of ending with them."""
        try:
            yield
        except ConfigInvalid as error:
            for mistake in error.mistakes:
                self.add(mistake)

    def finish(self) -> None:
        """Raise ConfigInvalid with every mistake, if there are any."""
        if self._mistakes:
            raise ConfigInvalid(*self._mistakes)

    def tables(self, kind: type[T]) -> Iterator[tuple[str, T]]:
        """Yield each table of that kind that could be read, with its key, in the file's order."""
        for key, table in self._tables:
            if isinstance(table, kind):
                yield key, table

    def table(self, table: object, kind: type[T], path: str) -> T | None:
        """Return the table as settings; None where it is none, or lacks what it needs."""
        if not isinstance(table, dict):
            self._converted(table, kind, path)
            return None
        fields = {field.name.removesuffix("_s"): field for field in msgspec.structs.fields(kind)}
        made: dict[str, object] = {}
        for key, value in table.items():
            at = f"{path}.{key[:_SHOWN_CHARACTERS]}" if path else key[:_SHOWN_CHARACTERS]
            if key not in fields:
                self.add(_no_such(at, key, fields))
                continue
            field = fields[key]
            read = self._value(value, field.type, at, lasts=field.name.endswith("_s"))
            if read is not _WRONG:
                made[field.name] = read
        lacking = [key for key, field in fields.items() if field.required and key not in table]
        for key in lacking:
            self.add(f"{path}: missing: `{key}`")
        if any(field.required and field.name not in made for field in fields.values()):
            return None
        settings = kind(**made)
        self._tables.append((path, settings))
        return settings

    def _value(self, value: object, kind: Any, at: str, *, lasts: bool) -> object:
        """Return what a field holds; `lasts` says that it is a duration."""
        if lasts:
            with self.gathering():
                return self._converted(parse_duration(value, at), kind, at)
            return _WRONG
        below = _settings_of(kind)
        item, named = _inner(kind)
        if below is not None:
            read = self.table(value, below, at)
            return _WRONG if read is None else read
        if item is not None and isinstance(value, list):
            return self._items(value, item, at)
        if named is not None and isinstance(value, dict):
            read_items = {key: self._converted(x, named, f"{at}.{key}") for key, x in value.items()}
            return {key: x for key, x in read_items.items() if x is not _WRONG}
        return self._converted(value, kind, at)

    def _items(self, values: list[object], kind: Any, at: str) -> tuple[object, ...]:
        """Return the items of a list that could be read."""
        read = (
            self._value(value, kind, f"{at}[{index}]", lasts=False)
            for index, value in enumerate(values)
        )
        return tuple(value for value in read if value is not _WRONG)

    def _converted(self, value: object, kind: Any, at: str) -> object:
        """Return a plain value, checked; note what is wrong with it."""
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            text, _, inside = str(error).partition(" - at `$")
            allowed = _allowed(kind) if text.startswith("Invalid enum value") else ""
            if allowed:
                text = f"{value!r:.60} is none of {allowed}"
            for said, better in _IN_TOML:
                text = text.replace(said, better)
            self.add(f"{at}{inside.rstrip('`')}: {text}")
            return _WRONG


def _allowed(kind: Any) -> str:
    """Return the words that a setting may be, "" where it is not one of some words."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ", ".join(str(one.value) for one in kind)
    if get_origin(kind) is not Literal:
        return ""
    return ", ".join(word for word in get_args(kind) if word)


def _no_such(at: str, key: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(key[:_SHOWN_CHARACTERS], known, 1)
    hint = f'did you mean "{close[0]}"?' if close else f"known: {', '.join(known)}"
    return f"{at}: there is no such setting; {hint}"


def _settings_of(kind: Any) -> type[Settings] | None:
    """Return the settings type that a field holds, alone."""
    return kind if isinstance(kind, type) and issubclass(kind, Settings) else None


def _inner(kind: Any) -> tuple[Any, Any]:
    """Return the type of a list's items, and that of the values under free names; None for none."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is tuple and arguments:
        return arguments[0], None
    if isinstance(origin, type) and issubclass(origin, Mapping) and len(arguments) == 2:
        return None, arguments[1]
    return None, None
