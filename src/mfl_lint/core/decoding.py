"""Decoders of JSON, one a type, made one after another.

What msgspec finds out of a type when it first meets it, it keeps before all of it is found out: a
second thread that meets the type meanwhile reads what is not there yet, and the process crashes.
"""

from __future__ import annotations

from threading import Lock
from typing import Any, Final, TypeVar

import msgspec

T = TypeVar("T")
_MADE: Final[dict[Any, msgspec.json.Decoder[Any]]] = {}
_TURN: Final = Lock()


def decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    """Return the decoder of a type: any number of threads may ask, and use it at once."""
    made = _MADE.get(kind)
    if made is None:
        with _TURN:
            made = _MADE.get(kind)
            if made is None:
                made = _MADE[kind] = msgspec.json.Decoder(kind)
    return made


def decode(text: str | bytes, kind: type[T]) -> T:
    """Return the value of a type that JSON holds; errors are msgspec's."""
    return decoder(kind).decode(text)


def known(kind: type[T]) -> type[T]:
    """Have all found out of a type where it is defined, for `msgspec.convert`."""
    decoder(kind)
    return kind
