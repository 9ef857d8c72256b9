"""Migrations: all or nothing, by any number of processes, and never on what is not ours."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from mfl_lint.core.errors import StoreError
from mfl_lint.resources import migrations_path
from mfl_lint.store.addresses import parse_address
from mfl_lint.store.engine import open_store
from mfl_lint.store.migrate import check, head, revision, upgrade
from mfl_lint.store.tables import SCHEMA, metadata

NUMBER = f"{int(SCHEMA) + 1:04}"
NEXT = '''"""The next tables."""
import sqlalchemy as sa
from alembic import op

revision = "{number}"
down_revision = "{before}"

def upgrade():
    op.create_table("later", sa.Column("id", sa.Integer(), primary_key=True))
    with op.batch_alter_table("registries") as table:
        table.add_column(sa.Column("colour", sa.Text(), server_default="blue", nullable=False))
        table.alter_column("host", new_column_name="address")
    op.execute("INSERT INTO later (id) VALUES (1)")
    {end}
'''


def _execute(url: str, *statements: str) -> list[object]:
    """Execute statements past all that is tested, and return the last one's first column."""
    engine = create_engine(parse_address(url))
    with engine.begin() as connection:
        found = [connection.execute(text(statement)) for statement in statements][-1]
        rows = [row[0] for row in found.all()] if found.returns_rows else []
    engine.dispose()
    return rows


async def _open(url: str) -> None:
    async with open_store(url):
        pass


def _tables(url: str) -> set[str]:
    engine = create_engine(parse_address(url))
    names = set(inspect(engine).get_table_names())
    engine.dispose()
    return names


def _next(folder: Path, end: str = "pass") -> Path:
    """Return a directory of migrations with one more."""
    shutil.copytree(migrations_path(), folder / "migrations")
    more = folder / "migrations" / "versions" / f"{NUMBER}_next.py"
    more.write_text(NEXT.format(number=NUMBER, before=SCHEMA, end=end))
    return folder / "migrations"


def test_an_empty_database_gets_all_tables_and_they_are_the_models(empty_url: str) -> None:
    assert None is revision(empty_url)
    assert head() == upgrade(empty_url)
    assert head() == revision(empty_url)
    assert [] == check(empty_url)
    assert {*metadata.tables, "alembic_version"} == _tables(empty_url)


def test_the_revision_that_the_code_needs_is_the_newest_migration() -> None:
    assert SCHEMA == head()


def test_a_difference_between_tables_and_models_is_told(url: str) -> None:
    _execute(url, "ALTER TABLE ignores ADD COLUMN colour TEXT")
    try:
        assert ["colour" in line for line in check(url)] == [True]
    finally:
        _execute(url, "ALTER TABLE ignores DROP COLUMN colour")


def test_upgrading_again_changes_nothing(url: str) -> None:
    _execute(url, "INSERT INTO registries (name, host, first_seen_at) VALUES ('a', 'b', 0)")
    assert SCHEMA == upgrade(url)
    assert ["a"] == _execute(url, "SELECT name FROM registries")


def test_a_database_that_is_this_releases_already_costs_no_migrations(url: str) -> None:
    if url.startswith("sqlite"):
        _execute(url, "PRAGMA journal_mode = DELETE")
    code = (
        "import sys; from mfl_lint.store.migrate import upgrade; "
        "print(upgrade(sys.argv[1]), 'alembic' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, url], check=True, capture_output=True, text=True
    )
    assert f"{SCHEMA} False\n" == done.stdout
    if url.startswith("sqlite"):
        assert ["wal"] == _execute(url, "PRAGMA journal_mode")


def test_four_upgrades_at_once_all_succeed(empty_url: str) -> None:
    code = "import sys; from mfl_lint.store.migrate import upgrade; print(upgrade(sys.argv[1]))"
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, empty_url],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    ended = [process.communicate(timeout=120) for process in running]
    assert [(f"{SCHEMA}\n", "")] * 4 == ended
    assert [] == check(empty_url)


def test_a_failing_migration_leaves_everything_as_it_was(empty_url: str, tmp_path: Path) -> None:
    upgrade(empty_url)
    _execute(empty_url, "INSERT INTO registries (name, host, first_seen_at) VALUES ('a', 'b', 0)")
    before = _tables(empty_url)
    bad = _next(tmp_path, end='op.execute("INSERT INTO nowhere (id) VALUES (1)")')
    with pytest.raises(StoreError, match="nowhere"):
        upgrade(empty_url, location=bad)

    assert (SCHEMA, before, []) == (revision(empty_url), _tables(empty_url), check(empty_url))
    assert ["b"] == _execute(empty_url, "SELECT host FROM registries")


def test_a_failing_migration_leaves_an_empty_database_empty(empty_url: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        upgrade(empty_url, location=_next(tmp_path, end='op.execute("SELECT * FROM nowhere")'))
    assert (None, set()) == (revision(empty_url), _tables(empty_url))


def test_rebuilding_a_table_loses_no_row_that_points_at_it(empty_url: str, tmp_path: Path) -> None:
    upgrade(empty_url)
    _execute(
        empty_url,
        "INSERT INTO registries (id, name, host, first_seen_at) VALUES (1, 'a', 'b', 0)",
        "INSERT INTO repositories (registry_id, name, first_seen_at) VALUES (1, 'c', 0)",
    )
    assert NUMBER == upgrade(empty_url, location=_next(tmp_path))
    assert ["b"] == _execute(empty_url, "SELECT address FROM registries")
    assert ["c"] == _execute(empty_url, "SELECT name FROM repositories WHERE registry_id = 1")


def test_a_newer_schema_is_refused_by_name_and_left_alone(empty_url: str, tmp_path: Path) -> None:
    upgrade(empty_url, location=_next(tmp_path))
    before = _tables(empty_url)
    told = f"has schema {NUMBER}, newer than this release's {SCHEMA}: use the newer mfl-lint"
    for refuse in (upgrade, check):
        with pytest.raises(StoreError, match=told):
            refuse(empty_url)
    with pytest.raises(StoreError, match=told):
        asyncio.run(_open(empty_url))
    assert (NUMBER, before) == (revision(empty_url), _tables(empty_url))


@pytest.mark.parametrize("damage", ["text", "noise", "cut", "header"])
def test_a_damaged_file_is_refused_and_not_touched(
    upgraded_file: Path, tmp_path: Path, damage: str, seed: int
) -> None:
    whole = upgraded_file.read_bytes()
    broken = {
        "text": b"database = none\n" * 100,
        "noise": random.Random(seed).randbytes(50_000),
        "cut": whole[: len(whole) // 2 - 100],
        "header": b"SQLite format 3\x00" + b"\xff" * 4000,
    }[damage]
    file = tmp_path / "mfl-lint.db"
    file.write_bytes(broken)
    url = f"sqlite:///{file}"
    for refuse in (upgrade, check, revision):
        with pytest.raises(StoreError, match="cannot be used") as refused:
            refuse(url)
        assert "\n" not in str(refused.value)
    with pytest.raises(StoreError, match="cannot be used"):
        asyncio.run(_open(url))
    assert broken == file.read_bytes()


def test_a_directory_is_no_database(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "no" / "such" / "folder.db"):
        with pytest.raises(StoreError, match="unable to open"):
            upgrade(f"sqlite:///{path}")


@pytest.fixture
def nobody() -> Iterator[Path]:
    """Return a folder that may be read, not written, by who runs the test: not by root."""
    folder = Path(tempfile.mkdtemp(prefix="mfl-lint-readonly-"))
    root = os.geteuid() == 0
    try:
        folder.chmod(0o755 if root else 0o700)
        yield folder
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o700)
        shutil.rmtree(folder)


def test_a_read_only_file_is_refused_and_not_touched(nobody: Path, upgraded_file: Path) -> None:
    file = nobody / "mfl-lint.db"
    shutil.copyfile(upgraded_file, file)
    url = f"sqlite:///{file}"
    asyncio.run(_open(url))
    file.chmod(0o444)
    nobody.chmod(0o555)
    before = file.read_bytes()
    if os.geteuid() == 0:
        os.seteuid(65534)
    with pytest.raises(StoreError, match="cannot be used") as refused:
        asyncio.run(_open(url))
    assert "\n" not in str(refused.value)
    with pytest.raises(StoreError, match="cannot be used"):
        upgrade(url)
    assert before == file.read_bytes()
