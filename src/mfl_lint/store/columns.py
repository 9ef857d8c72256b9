"""Column types that mean the same on SQLite and PostgreSQL, and text that both accept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import BigInteger, Integer, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

T = TypeVar("T")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
Id: Final = BigInteger().with_variant(Integer(), "sqlite")
# Text of our own making or by a strict grammar (digests, states): quicker than `Words`. Without
# "C", PostgreSQL sorts by the database's language.
Token: Final = Text().with_variant(Text(collation="C"), "postgresql")


def clean(text: str) -> str:
    """Return `text` without what a database refuses: lone surrogates and NUL become U+FFFD."""
    if text.isascii() and "\x00" not in text:
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "�")


def micros(at: datetime) -> int:
    """Return an aware time as microseconds since 1970, UTC."""
    return (at - _EPOCH) // _MICROSECOND


def plain(kind: TypeEngine[Any]) -> Callable[[Any], Any] | None:
    """Return what makes a value of this type what the drivers take; None if it is that already.

    The same as binding a parameter does, without SQLAlchemy's steps between. None stays None.
    """
    if isinstance(kind, Words):
        return clean
    return micros if isinstance(kind, Time) else None


class Words(TypeDecorator[str]):
    """Text in the order of its bytes on both databases; what is refused is replaced."""

    impl = Token
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Return what is written."""
        return value if value is None else clean(value)


class Time(TypeDecorator[datetime]):
    """An aware UTC time, kept as microseconds since 1970: exact and quick on both databases."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Return what is written."""
        return None if value is None else micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Return what was written."""
        return None if value is None else _EPOCH + timedelta(microseconds=value)


def _cleaned(value: object) -> object:
    """Return builtins with every string cleaned."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(str(key)): _cleaned(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cleaned(item) for item in value]
    return value


def to_json(value: object) -> str:
    """Return a value as JSON text, whatever strings it holds."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        return msgspec.json.encode(_cleaned(msgspec.to_builtins(value))).decode()


def from_json(text: str, kind: type[T]) -> T:
    """Return the value that `to_json` wrote."""
    return msgspec.json.decode(text, type=kind)
