"""Statements that are worked out once."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import bindparam, insert, select, text, update

from mfl_lint.core.errors import StoreError
from mfl_lint.store.engine import Store, open_store
from mfl_lint.store.inserts import insert_all
from mfl_lint.store.prepared import Prepared, among
from mfl_lint.store.statements import all_rows
from mfl_lint.store.tables import documents, registries
from tests.store.batches import NOW, later
from tests.store.test_inserts import rows

ADD = Prepared(
    insert(registries).values(
        name=bindparam("name"), host="fixed\ud800", watched=False, first_seen_at=bindparam("at")
    )
)
ALL = Prepared(select(registries).order_by(registries.c.id))
SEEN = Prepared(
    update(registries)
    .where(registries.c.name == bindparam("this"))
    .values(first_seen_at=bindparam("at"), watched=True)
)
CHOSEN = Prepared(
    select(documents.c.digest)
    .where(among(documents.c.digest, "digests"))
    .order_by(documents.c.digest)
)
NUMBERED = Prepared(
    select(registries.c.name)
    .where(among(registries.c.id, "ids"), registries.c.host == "fixed\ufffd")
    .order_by(registries.c.id)
)


async def test_what_is_written_comes_back_as_values_with_names(store: Store) -> None:
    assert 1 == await store.write(ADD.run, name="a\ud800", at=NOW)
    (row,) = await store.read(ALL.rows)
    assert ("a\ufffd", "fixed\ufffd", NOW) == (row.name, row.host, row.first_seen_at)
    assert row.watched is False
    assert row.notice_at is None
    assert 1 == await store.write(SEEN.run, this="a\ud800", at=later(hours=1))
    again = await store.read(ALL.one)
    assert (later(hours=1), True) == (again.first_seen_at, again.watched)
    assert 0 == await store.write(SEEN.run, this="nobody", at=NOW)


async def test_one_statement_runs_once_for_each_of_its_parameters(store: Store) -> None:
    await store.write(ADD.run_each, [{"name": name, "at": NOW} for name in "xyz"])
    assert ["x", "y", "z"] == [row.name for row in await store.read(ALL.rows)]


async def test_there_is_none_where_no_row_is(store: Store) -> None:
    assert await store.read(ALL.one) is None


async def test_a_parameter_that_is_not_given_is_an_error(store: Store) -> None:
    with pytest.raises(KeyError, match="at"):
        await store.write(ADD.run, name="x")


@pytest.mark.parametrize("number", [0, 1, 3, 2000])
async def test_one_text_serves_any_number_of_values(store: Store, number: int) -> None:
    await store.write(insert_all, documents, rows(number + 2))
    wanted = [f"sha256:{n:04}" for n in range(number)]
    found = await store.read(CHOSEN.rows, digests=[*wanted, *wanted, "sha256:none"])
    assert wanted == [row.digest for row in found]


async def test_values_may_be_numbers_and_words(store: Store) -> None:
    await store.write(ADD.run_each, [{"name": name, "at": NOW} for name in "xyz"])
    ids = [row.id for row in await store.read(ALL.rows)]
    assert ["x", "z"] == [row.name for row in await store.read(NUMBERED.rows, ids=(ids[0], ids[2]))]
    named = Prepared(select(registries.c.id).where(among(registries.c.name, "names")))
    await store.write(ADD.run, name="a\ud800\x00", at=NOW)
    (row,) = await store.read(named.rows, names={"a\ud800\x00", '"', "x'"})
    assert row.id not in ids


async def test_many_values_are_looked_up_by_the_index(upgraded_file: Path) -> None:
    """PostgreSQL decides by what a table holds, SQLite by the statement."""
    async with open_store(f"sqlite:///{upgraded_file}") as store:
        sql = str(CHOSEN._of(store._writer.engine.dialect).sql).replace("?", "'[]'")
        plan = await store.read(all_rows, text(f"EXPLAIN QUERY PLAN {sql}"))
    assert "SEARCH documents USING" in str(plan)


async def test_what_the_database_refuses_is_an_error_of_the_store(store: Store) -> None:
    await store.write(ADD.run, name="x", at=NOW)
    with pytest.raises(StoreError, match="cannot be used"):
        await store.write(ADD.run_each, [{"name": name, "at": NOW} for name in "yx"])
    assert ["x"] == [row.name for row in await store.read(ALL.rows)]
