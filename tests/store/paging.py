"""Walk through the pages of a list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from mfl_lint.core.views import Page

T = TypeVar("T")


async def all_of(read: Callable[[str | None], Awaitable[Page[T]]]) -> list[T]:
    """Return the items of all pages, of which `read` gives the one at a cursor."""
    items: list[T] = []
    cursor: str | None = None
    for _ in range(100):
        page = await read(cursor)
        items.extend(page.items)
        cursor = page.next_cursor
        if cursor is None:
            return items
    raise AssertionError("the pages do not end")
