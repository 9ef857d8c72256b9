"""Many rows at once."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from mfl_lint.store.engine import Store
from mfl_lint.store.inserts import insert_all, insert_new, upsert
from mfl_lint.store.statements import all_rows
from mfl_lint.store.tables import documents, look_requests
from tests.store.batches import NOW, later


def rows(number: int, **changed: Any) -> list[dict[str, Any]]:
    """Return rows of documents with distinct digests."""
    return [
        {
            "digest": f"sha256:{n:04}",
            "media_type": "a\ud800b",
            "raw": bytes([n % 256]),
            "size_bytes": n,
            "fetched_at": NOW,
        }
        | changed
        for n in range(number)
    ]


async def stored(store: Store) -> list[dict[str, Any]]:
    found = await store.read(all_rows, select(documents).order_by(documents.c.digest))
    return [dict(row._mapping) for row in found]


@pytest.mark.parametrize("number", [0, 1, 3, 4, 64, 65, 149])
async def test_all_rows_are_written_whatever_their_number(store: Store, number: int) -> None:
    await store.write(insert_all, documents, rows(number))
    assert rows(number, media_type="a\ufffdb") == await stored(store)


async def test_rows_that_are_there_are_left_or_overwritten(store: Store) -> None:
    await store.write(insert_all, documents, rows(3))
    await store.write(insert_new, documents, rows(5, size_bytes=7), unique=("digest",))
    assert [0, 1, 2, 7, 7] == [row["size_bytes"] for row in await stored(store)]
    changed = rows(6, size_bytes=9, fetched_at=later(hours=1))
    await store.write(upsert, documents, changed, unique=("digest",), kept=("fetched_at",))
    after = await stored(store)
    assert [9] * 6 == [row["size_bytes"] for row in after]
    assert [NOW] * 5 + [later(hours=1)] == [row["fetched_at"] for row in after]


async def test_one_text_that_is_refused_is_replaced_among_others(store: Store) -> None:
    given = [*rows(2, media_type="plain"), *rows(4, media_type="a\x00")[2:]]
    await store.write(insert_all, documents, given)
    kept = [row["media_type"] for row in await stored(store)]
    assert ["plain", "plain", "a\ufffd", "a\ufffd"] == kept


async def test_what_is_absent_stays_absent(store: Store) -> None:
    row = {"registry": "r", "repository": "x", "tag": "", "state": "taken", "reason": ""}
    times = {"requested_at": NOW, "taken_at": None}
    await store.write(insert_all, look_requests, [row | times])
    (found,) = await store.read(all_rows, select(look_requests))
    assert (NOW, None) == (found.requested_at, found.taken_at)
