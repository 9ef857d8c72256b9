"""Cursors: where a list goes on, as text for a URL. Whoever makes one up gets CursorInvalid."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import msgspec

from mfl_lint.core.errors import CursorInvalid
from mfl_lint.core.views import Page

T = TypeVar("T")
_LONGEST: Final = 2000
_FITS: Final = 2**63


def _written(key: Sequence[Any]) -> str:
    """Return the cursor behind the item with this sort key."""
    return base64.urlsafe_b64encode(msgspec.json.encode(list(key))).decode().rstrip("=")


def _acceptable(value: object, kind: type) -> bool:
    if kind is int:
        return type(value) is int and abs(value) < _FITS
    return type(value) is kind


def read_cursor(cursor: str, *kinds: type) -> list[Any]:
    """Return the sort key of a cursor; CursorInvalid unless its parts are of these types."""
    try:
        if len(cursor) > _LONGEST:
            raise ValueError
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        key = msgspec.json.decode(raw)
    except (ValueError, binascii.Error, RecursionError):
        raise CursorInvalid("the cursor is not one of this list") from None
    fits = isinstance(key, list) and len(key) == len(kinds)
    if not fits or not all(map(_acceptable, key, kinds)):
        raise CursorInvalid("the cursor is not one of this list")
    return list(key)


def page(
    rows: Sequence[Any],
    limit: int,
    value: Callable[[Any], T],
    key: Callable[[Any], Sequence[Any]],
) -> Page[T]:
    """Return the first `limit` rows as a page; one row more says that there is another page."""
    shown = rows[:limit]
    more = len(rows) > limit and bool(shown)
    return Page(tuple(map(value, shown)), _written(key(shown[-1])) if more else None)
