"""How much there is, and space that is given back."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection

from mfl_lint.store import observations, sizes
from mfl_lint.store.engine import open_store
from mfl_lint.store.migrate import upgrade
from mfl_lint.store.tables import metadata
from tests.store.batches import NOW, batch, content, finding, later, lease, write


async def test_rows_bytes_and_times_of_every_table_are_told(url: str) -> None:
    async with open_store(url) as store:
        held = await lease(store)
        for number in range(3):
            told = batch(
                write(f"v{number}", finding(f"v{number}"), content=f"{number}"),
                contents=(content(f"{number}"),),
                at=later(days=number),
            )
            await observations.record(store, held, told)
        found = await sizes.sizes(store)
    assert set(metadata.tables) == set(found.tables)
    documents = found.tables["documents"]
    assert (3, NOW, later(days=2)) == (documents.rows, documents.oldest, documents.newest)
    assert (3, 3) == (found.tables["tags"].rows, found.tables["findings"].rows)
    assert documents.bytes > 0
    assert sum(one.bytes for one in found.tables.values()) <= found.bytes
    assert (0, None) == (found.tables["audit"].rows, found.tables["audit"].oldest)


def _much(connection: Connection) -> None:
    rows = [{"digest": f"sha256:{number:064}", "body": b"x" * 3000} for number in range(3000)]
    connection.exec_driver_sql(
        "INSERT INTO documents (digest, media_type, raw, fetched_at) "
        "VALUES (:digest, '', :body, 0)",
        rows,
    )


def _nothing(connection: Connection) -> None:
    connection.exec_driver_sql("DELETE FROM documents")


async def test_what_was_removed_of_a_file_is_given_back_in_steps(tmp_path: Path) -> None:
    file = tmp_path / "new.db"
    upgrade(f"sqlite:///{file}")
    async with open_store(f"sqlite:///{file}") as store:
        await store.write(_much)
        large = (await sizes.sizes(store)).bytes
        await store.write(_nothing)
        assert (await sizes.sizes(store)).free_bytes > 8_000_000
        assert await sizes.give_back(store) > 2000
        found = await sizes.sizes(store)
    assert (0, True) == (found.free_bytes, found.bytes < large - 8_000_000)


async def test_a_file_that_cannot_give_back_is_left_and_can_after_it_was_compacted(
    tmp_path: Path,
) -> None:
    file, url = tmp_path / "old.db", f"sqlite:///{tmp_path}/old.db"
    upgrade(url)
    with closing(sqlite3.connect(file)) as connection:  # as earlier releases made it
        connection.execute("PRAGMA auto_vacuum = NONE")
        connection.execute("VACUUM")
    async with open_store(url) as store:
        await store.write(_much)
        await store.write(_nothing)
        assert 0 == await sizes.give_back(store)
    before, after = sizes.compact(url)
    assert before > 8_000_000 > after == file.stat().st_size
    async with open_store(url) as store:
        await store.write(_much)
        await store.write(_nothing)
        assert await sizes.give_back(store) > 2000


async def test_compacting_keeps_everything(url: str) -> None:
    async with open_store(url) as store:
        held = await lease(store)
        await observations.record(store, held, batch(write("v1", finding("v1"))))
        before = {name: one.rows for name, one in (await sizes.sizes(store)).tables.items()}
    sizes.compact(url)
    async with open_store(url) as store:
        after = {name: one.rows for name, one in (await sizes.sizes(store)).tables.items()}
    assert before == after
