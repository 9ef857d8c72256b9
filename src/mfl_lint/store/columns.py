"""Column types that mean the same on SQLite and PostgreSQL, and text that both accept."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import ARRAY, BigInteger, Integer, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from mfl_lint.core.decoding import decode

T = TypeVar("T")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
Id: Final = BigInteger().with_variant(Integer(), "sqlite")
# Text of our own making or by a strict grammar (digests, states): quicker than `Words`. Without
# "C", PostgreSQL sorts by the database's language.
Token: Final = Text().with_variant(Text(collation="C"), "postgresql")


def is_clean(text: str) -> bool:
    """Say whether a look shows that nothing in `text` is refused by a database."""
    return text.isascii() and "\x00" not in text


def clean(text: str) -> str:
    """Return `text` without what a database refuses: lone surrogates and NUL become U+FFFD."""
    if is_clean(text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "�")


@lru_cache(maxsize=4096)
def micros(at: datetime) -> int:
    """Return an aware time as microseconds since 1970, UTC."""
    return (at - _EPOCH) // _MICROSECOND


def plain(kind: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    """Return what makes a value of this type what the driver takes; None if it is that already.

    The same as binding a parameter does, without SQLAlchemy's steps between. None stays None.
    """
    if isinstance(kind, Words):
        return clean
    if isinstance(kind, Many):
        return lambda values: kind.process_bind_param(values, dialect)
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


class Many(TypeDecorator[Iterable[Any]]):
    """Values of one type in one parameter: JSON on SQLite, an array on PostgreSQL."""

    impl = Text
    cache_ok = True

    def __init__(self, item: TypeEngine[Any]) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return what the database is given."""
        if dialect.name == "sqlite":
            return Text()
        return ARRAY(BigInteger() if isinstance(self.item, Integer) else Text())

    def process_bind_param(self, value: Iterable[Any] | None, dialect: Dialect) -> Any:
        """Return what is written."""
        write = plain(self.item, dialect)
        values = list(value or ()) if write is None else [write(one) for one in value or ()]
        return msgspec.json.encode(values).decode() if dialect.name == "sqlite" else values


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
    return decode(text, kind)
