"""Cursors: what was given out is read again, all else is refused."""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace

import pytest

from mfl_lint.core.errors import CursorInvalid
from mfl_lint.store.cursors import page, read_cursor


def test_a_cursor_holds_the_last_items_key_and_fits_into_a_url() -> None:
    rows = [SimpleNamespace(name=name) for name in ("a", "b/ü?&", "c")]
    part = page(rows, 2, lambda row: row.name, lambda row: (row.name, 7))
    assert ("a", "b/ü?&") == part.items
    assert part.next_cursor is not None
    assert set(part.next_cursor) <= set(string.ascii_letters + string.digits + "-_")
    assert ["b/ü?&", 7] == read_cursor(part.next_cursor, str, int)


def test_the_last_page_has_no_cursor() -> None:
    rows = [SimpleNamespace(name="a")]
    assert None is page(rows, 1, lambda row: row.name, lambda row: (row.name,)).next_cursor
    assert None is page([], 0, lambda row: row, lambda row: (row,)).next_cursor


@pytest.mark.parametrize(
    "key", [[True], [1.5], ["1"], [None], [2**63], [-(2**63)], [1, 2], [], {}, 1, [[1]]]
)
def test_a_key_of_other_types_is_refused(key: object) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")
    with pytest.raises(CursorInvalid):
        read_cursor(cursor, int)


def test_random_text_is_refused_and_never_crashes(count: Callable[[int], int], seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(count(20_000)):
        text = "".join(dice.choices(string.printable + "é\ud800", k=dice.randrange(40)))
        with suppress(CursorInvalid):
            read_cursor(text, int)
            pytest.fail(f"{text!r} was taken for a cursor")
