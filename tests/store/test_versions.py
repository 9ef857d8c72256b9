"""Services are replaced one after the other: which older programs may use a newer schema."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect

from mfl_lint.core.errors import StoreError
from mfl_lint.resources import migrations_path
from mfl_lint.store import migrate, observations, views
from mfl_lint.store.addresses import parse_address
from mfl_lint.store.backup import back_up
from mfl_lint.store.engine import open_store
from mfl_lint.store.tables import SCHEMA
from tests.store.batches import batch, finding, lease, write

NUMBER = f"{int(SCHEMA) + 1:04}"
HEAD = '''"""What a later release adds."""
import sqlalchemy as sa
from alembic import op

revision = "{number}"
down_revision = "{before}"
oldest = "{oldest}"

def upgrade():
'''
ADDS = """
    op.create_table("later", sa.Column("id", sa.Integer(), primary_key=True))
    op.add_column("tags", sa.Column("colour", sa.Text()))
    op.add_column("findings", sa.Column("size", sa.Integer(), nullable=False, server_default="0"))
    op.create_index("ix_tags_colour", "tags", ["colour"])
"""
CHANGED = """
    with op.batch_alter_table("push_audit") as table:
        table.{}
"""
HARMS = {
    "a table is gone": 'op.drop_table("push_audit")',
    "push_audit.plan is gone": 'op.drop_column("push_audit", "plan")',
    "push_audit.size must be given": (
        'op.execute("DELETE FROM push_audit"); '
        'op.add_column("push_audit", sa.Column("size", sa.Integer(), nullable=False))'
    ),
    "push_audit has another unique index": (
        'op.create_index("uq_push", "push_audit", ["who"], unique=True)'
    ),
    "push_audit has another foreign key": CHANGED.format(
        'create_foreign_key("fk_push", "registries", ["registry"], ["name"])'
    ),
    "push_audit has another check": CHANGED.format(
        """create_check_constraint("who", "who <> ''")"""
    ),
    "push_audit.plan is another": CHANGED.format('alter_column("plan", server_default="none")'),
}
FIRST = "0007"


def later(tmp_path: Path, does: str, oldest: str = SCHEMA) -> Path:
    """Return the migrations of a later release."""
    folder = tmp_path / "later"
    shutil.copytree(migrations_path(), folder)
    text = HEAD.format(number=NUMBER, before=SCHEMA, oldest=oldest) + f"    {does.strip()}\n"
    (folder / "versions" / f"{NUMBER}_later.py").write_text(text)
    return folder


def shape(url: str) -> dict[str, Any]:
    """Return of every table the columns, and by kind what its rows must keep to."""
    engine = create_engine(parse_address(url))
    seen = inspect(engine)
    found = {
        name: (
            {column["name"]: column for column in seen.get_columns(name)},
            {
                "unique index": {
                    str(x["column_names"])
                    for x in (*seen.get_indexes(name), *seen.get_unique_constraints(name))
                    if x.get("unique", True)
                },
                "foreign key": {
                    f"{x['constrained_columns']} {x['referred_table']} {x['referred_columns']}"
                    for x in seen.get_foreign_keys(name)
                },
                "check": {str(x["sqltext"]) for x in seen.get_check_constraints(name)},
            },
        )
        for name in seen.get_table_names()
    }
    engine.dispose()
    return found


def harm(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """Yield what a program that knows the schema before cannot live with."""
    for table, (columns, rules) in before.items():
        if table not in after:
            yield "a table is gone"
            continue
        now, rules_now = after[table]
        yield from (f"{table}.{name} is gone" for name in columns if name not in now)
        for name, column in now.items():
            old = columns.get(name)
            given = column["nullable"] or column["default"] is not None
            if old is None and not given:
                yield f"{table}.{name} must be given"
            if old is not None and _means(old) != _means(column):
                yield f"{table}.{name} is another"
        for kind, held in rules_now.items():
            if held - rules[kind]:
                yield f"{table} has another {kind}"


def _means(column: dict[str, Any]) -> tuple[str, bool, str | None]:
    return str(column["type"]), column["nullable"], column["default"]


async def test_a_program_goes_on_with_a_newer_schema_that_allows_it(
    empty_url: str, tmp_path: Path
) -> None:
    migrate.upgrade(empty_url)
    async with open_store(empty_url) as running:
        held = await lease(running)
        await observations.record(running, held, batch(write("v1", finding("v1"))))
        assert NUMBER == migrate.upgrade(empty_url, location=later(tmp_path, ADDS))
        await observations.record(running, held, batch(write("v2", finding("v2"))))
        # It is started anew, as it may be while the newer one runs already.
        assert NUMBER == migrate.upgrade(empty_url)
        async with open_store(empty_url) as again:
            await observations.record(again, held, batch(write("v3", finding("v3"))))
            view = await views.registry(again, "one")
    assert view is not None
    assert (3, 3) == (view.tags, view.counts.error)
    assert NUMBER == migrate.revision(empty_url)


def test_a_newer_schema_that_does_not_allow_it_is_refused(empty_url: str, tmp_path: Path) -> None:
    migrate.upgrade(empty_url, location=later(tmp_path, ADDS, oldest=NUMBER))
    with pytest.raises(StoreError, match=f"has schema {NUMBER}, newer than"):
        migrate.upgrade(empty_url)


async def test_what_copies_whole_tables_needs_its_own_schema(
    empty_url: str, tmp_path: Path
) -> None:
    migrate.upgrade(empty_url, location=later(tmp_path, ADDS))
    if empty_url.startswith("sqlite"):
        return  # a file is copied as it is, whatever is in it
    with pytest.raises(StoreError, match=f"has schema {NUMBER}, newer than"):
        back_up(empty_url, tmp_path / "backup.db")


def test_what_is_only_added_harms_no_older_program(empty_url: str, tmp_path: Path) -> None:
    migrate.upgrade(empty_url)
    before = shape(empty_url)
    migrate.upgrade(empty_url, location=later(tmp_path, ADDS))
    assert [] == [*harm(before, shape(empty_url))]


@pytest.mark.parametrize("said", HARMS)
@pytest.mark.ordeal("postgresql")
def test_what_an_older_program_cannot_live_with_is_noticed(
    said: str, empty_url: str, tmp_path: Path
) -> None:
    if empty_url.startswith("sqlite") and "must be given" in said:
        return  # SQLite refuses such a column by itself
    migrate.upgrade(empty_url)
    before = shape(empty_url)
    migrate.upgrade(empty_url, location=later(tmp_path, HARMS[said]))
    assert [said] == [*harm(before, shape(empty_url))]


def test_each_migration_does_what_it_says_of_older_programs(tmp_path: Path) -> None:
    scripts = ScriptDirectory(str(migrations_path()))
    revisions = sorted(script.revision for script in scripts.walk_revisions())
    shapes: dict[str, Any] = {}
    for revision in revisions:
        url = f"sqlite:///{tmp_path}/{revision}.db"
        folder = tmp_path / revision
        shutil.copytree(migrations_path(), folder)
        for file in (folder / "versions").glob("*.py"):
            if file.stem[:4] > revision:
                file.unlink()
        migrate.upgrade(url, location=folder)
        shapes[revision] = shape(url)
    for revision in (one for one in revisions if one >= FIRST):
        oldest = migrate.oldest_of(revision)
        assert FIRST <= oldest <= revision
        assert [] == [*harm(shapes[oldest], shapes[revision])], revision
