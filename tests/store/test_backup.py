"""Backups: whole, of one instant, and back into either database or not at all."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from mfl_lint.core.errors import Refused, StoreError
from mfl_lint.store import dump, migrate, registries, views
from mfl_lint.store.backup import back_up, restore
from mfl_lint.store.engine import open_store
from mfl_lint.store.tables import SCHEMA, metadata
from tests.builders import image, index, place
from tests.crawl.world import made_world
from tests.fault_registry import FaultRegistry
from tests.store.batches import NOW, lease
from tests.upgrades.make import _fill

REPLACE = """
import sys
from pathlib import Path
from mfl_lint.store.sqlite_copies import put_in_place
print("begins", flush=True)
put_in_place(Path(sys.argv[1]), Path(sys.argv[2]))
"""
UPGRADES = Path(__file__).parents[1] / "upgrades"
RELEASES = sorted(file.stem for file in UPGRADES.glob("*.sql"))


async def all_rows(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table."""

    def read(connection: Connection) -> dict[str, list[tuple[object, ...]]]:
        return {
            table.name: [
                tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))
            ]
            for table in metadata.sorted_tables
        }

    async with open_store(url) as store:
        return await store.read(read)


async def dumped(url: str) -> dict[str, object]:
    async with open_store(url) as store:
        return await dump.canonical_dump(store)


async def filled(url: str) -> str:
    migrate.upgrade(url)
    async with open_store(url) as store:
        await _fill(store)
    return url


@pytest.fixture
async def full(url: str) -> str:
    """Return the URL of a database of a small registry."""
    return await filled(url)


@pytest.fixture
async def full_file(tmp_path: Path) -> Path:
    """Return an SQLite database of a small registry."""
    await filled(f"sqlite:///{tmp_path}/full.db")
    return tmp_path / "full.db"


async def test_what_was_backed_up_comes_back_in_either_database(
    full: str, elsewhere: str, tmp_path: Path
) -> None:
    file = tmp_path / "backup.db"
    assert back_up(full, file) == file.stat().st_size
    assert SCHEMA == restore(elsewhere, file)
    assert await all_rows(full) == await all_rows(elsewhere)
    assert await dumped(full) == await dumped(elsewhere)
    assert [] == migrate.check(elsewhere)


async def test_a_restored_database_goes_on_where_the_other_was(
    full: str, elsewhere: str, tmp_path: Path
) -> None:
    back_up(full, tmp_path / "backup.db")
    restore(elsewhere, tmp_path / "backup.db")
    async with open_store(elsewhere) as store:
        assert 0 < (await lease(store, "another/repository")).repository_id
        await registries.set_notice(store, "two", "unreachable", NOW)


async def test_a_backup_is_one_file_for_its_owner_only(full: str, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    back_up(full, folder / "backup.db")
    assert ["backup.db"] == os.listdir(folder)
    assert 0o600 == stat.S_IMODE((folder / "backup.db").stat().st_mode)


async def test_backups_while_a_crawl_writes_are_each_of_one_instant(
    url: str, tmp_path: Path, fault_registry: FaultRegistry
) -> None:
    broken = index(image("linux", "amd64"), image("linux", "amd64"))
    for number in range(60):
        place(fault_registry.demo, f"team/app{number}", broken, "v1", "v2")
    taken: list[Path] = []
    async with open_store(url) as store, made_world(fault_registry, store) as world:
        crawl = asyncio.create_task(world.crawl())
        while not crawl.done():
            taken.append(tmp_path / f"backup{len(taken)}.db")
            await asyncio.to_thread(back_up, url, taken[-1])
        assert "" == (await crawl).problem
    last = tmp_path / "last.db"
    back_up(url, last)
    held = [_is_of_one_instant(file) for file in taken]
    assert sorted(held) == held
    assert 0 < len(held)
    assert 120 <= _is_of_one_instant(last)


def _is_of_one_instant(file: Path) -> int:
    """Return how many findings there are, having compared what is written together."""
    with closing(sqlite3.connect(file)) as connection:

        def one(query: str) -> int:
            return int(connection.execute(query).fetchone()[0] or 0)

        assert [] == connection.execute("PRAGMA foreign_key_check").fetchall()
        assert "ok" == connection.execute("PRAGMA integrity_check").fetchone()[0]
        findings = one("SELECT count(*) FROM findings")
        assert findings == one("SELECT count(*) FROM transitions")
        assert findings == one("SELECT sum(error + warning + info + unknown) FROM registries")
        assert 0 == one(
            "SELECT count(*) FROM tags WHERE digest NOT IN (SELECT digest FROM documents)"
        )
    return findings


async def test_nothing_is_overwritten_unless_it_is_forced(full: str, tmp_path: Path) -> None:
    file = tmp_path / "backup.db"
    file.write_text("precious")
    with pytest.raises(Refused, match="--force"):
        back_up(full, file)
    assert "precious" == file.read_text()
    back_up(full, file, force=True)
    assert await all_rows(full) == await all_rows(f"sqlite:///{file}")
    with pytest.raises(Refused, match="--force"):
        restore(full, file)
    assert SCHEMA == restore(full, file, force=True)


def test_the_database_is_never_its_own_backup(full_file: Path, tmp_path: Path) -> None:
    url, before = f"sqlite:///{full_file}", full_file.read_bytes()
    link = tmp_path / "link.db"
    link.symlink_to(full_file)
    for name in (full_file, link):
        with pytest.raises(Refused, match="itself"):
            back_up(url, name, force=True)
        with pytest.raises(Refused, match="itself"):
            restore(url, name, force=True)
    assert before == full_file.read_bytes()


@pytest.mark.parametrize("idle", [True, False])
async def test_nothing_is_restored_while_somebody_has_it_open(
    full: str, idle: bool, tmp_path: Path
) -> None:
    file = tmp_path / "backup.db"
    back_up(full, file)
    async with open_store(full) as store:
        await registries.set_notice(store, "one", "since then", NOW)
        if not idle:
            await views.registries(store)
        with pytest.raises(StoreError, match="in use"):
            await asyncio.to_thread(restore, full, file, force=True)
        view = await views.registry(store, "one")
        assert view is not None
        assert "since then" == view.notice
    assert SCHEMA == restore(full, file, force=True)
    async with open_store(full) as store:
        view = await views.registry(store, "one")
        assert view is not None
        assert "since then" != view.notice


@pytest.mark.ordeal("postgresql-0.1", "postgresql-0.2", "postgresql-0.3")
@pytest.mark.parametrize("release", RELEASES)
async def test_an_older_backup_is_brought_to_this_release(
    release: str, elsewhere: str, tmp_path: Path
) -> None:
    file = tmp_path / "old.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript((UPGRADES / f"{release}.sql").read_text(encoding="utf-8"))
    before = file.read_bytes()
    assert SCHEMA == restore(elsewhere, file)
    assert [] == migrate.check(elsewhere)
    async with open_store(elsewhere) as store:
        assert await views.tag(store, "one", "team/app", "v1") is not None
    assert before == file.read_bytes()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda file: file.write_bytes(b"no database at all" * 100), "no backup"),
        (lambda file: file.write_bytes(b""), "no schema"),
        (lambda file: sqlite3.connect(file).execute("CREATE TABLE x (y)"), "no schema"),
        (lambda file: None, "no such file"),
        (lambda file: file.mkdir(), "no such file"),
    ],
)
async def test_what_is_no_backup_changes_nothing(
    make: Callable[[Path], object], said: str, full: str, tmp_path: Path
) -> None:
    before = await all_rows(full)
    file = tmp_path / "given.db"
    make(file)
    with pytest.raises(Refused, match=said):
        restore(full, file, force=True)
    assert before == await all_rows(full)


async def test_a_damaged_backup_changes_nothing(full: str, tmp_path: Path) -> None:
    before, file = await all_rows(full), tmp_path / "backup.db"
    back_up(full, file)
    raw = bytearray(file.read_bytes())
    for start in range(4096, len(raw), 4096):
        raw[start : start + 64] = b"\xff" * 64
    file.write_bytes(raw)
    with pytest.raises(Refused, match=r"damaged|no backup"):
        restore(full, file, force=True)
    assert before == await all_rows(full)


async def test_a_newer_backup_is_refused(full: str, tmp_path: Path) -> None:
    before, file = await all_rows(full), tmp_path / "backup.db"
    back_up(full, file)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="9999, newer"):
        restore(full, file, force=True)
    assert before == await all_rows(full)


def test_a_kill_while_a_database_is_replaced_leaves_the_old_one_or_the_new_one(
    full_file: Path, tmp_path: Path, count: Callable[[int], int], seed: int
) -> None:
    new = tmp_path / "new.db"
    back_up(f"sqlite:///{full_file}", new)
    with closing(sqlite3.connect(new)) as connection, connection:
        connection.execute("CREATE TABLE much (y)")
        connection.executemany("INSERT INTO much VALUES (?)", [("x" * 4000,)] * 2000)
    ended = set()
    for number in range(count(200)):
        target = tmp_path / f"target{number}.db"
        back_up(f"sqlite:///{full_file}", target)
        child = subprocess.Popen(
            [sys.executable, "-c", REPLACE, new, target], stdout=subprocess.PIPE
        )
        with child:
            assert child.stdout is not None
            assert b"begins\n" == child.stdout.readline()
            signal.sigtimedwait([], number * 0.04 / count(200))
            child.kill()
        with closing(sqlite3.connect(target)) as connection:
            assert ("ok",) == connection.execute("PRAGMA integrity_check").fetchone()
            names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
            ended.add("much" in names)
            if "much" in names:
                assert (2000,) == connection.execute("SELECT count(*) FROM much").fetchone()
            assert (1,) == connection.execute("SELECT count(*) FROM alembic_version").fetchone()
    assert False in ended
