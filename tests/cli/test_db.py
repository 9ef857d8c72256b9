import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mfl_lint.store.migrate import oldest_of
from mfl_lint.store.tables import SCHEMA
from tests.cli.conftest import Command


def test_a_database_is_created_once_and_then_is_as_it_should_be(command: Command) -> None:
    assert (0, f"The database upgraded: new to {SCHEMA}.\n", "") == command("db", "upgrade")
    assert (0, f"The database is at schema {SCHEMA}.\n", "") == command("db", "upgrade")
    ran = command("db", "check")
    assert 0 == ran.code
    assert "findings                      0 rows" in ran.out
    assert Path("mfl-lint.db").is_file()


def test_which_programs_may_use_a_database_is_said_by_older_and_newer_ones(
    command: Command,
) -> None:
    command("db", "upgrade")
    oldest = oldest_of(SCHEMA)
    may = f"programs whose schema is {oldest} or later may use it\n"
    ran = command("db", "check")
    assert (0, True) == (ran.code, may in ran.out)
    with closing(sqlite3.connect("mfl-lint.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    newer = f"schema 9999, newer than this release's {SCHEMA}: {may}"
    assert (0, newer, "") == command("db", "check")
    with closing(sqlite3.connect("mfl-lint.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET oldest = '9999'")
    ran = command("db", "check")
    assert (3, "") == (ran.code, ran.out)
    assert f"has schema 9999, newer than this release's {SCHEMA}" in ran.err


def test_a_difference_is_1(command: Command) -> None:
    command("db", "upgrade")
    with sqlite3.connect("mfl-lint.db") as connection:
        connection.execute("DROP TABLE push_audit")
    connection.close()
    Path("mfl-lint.toml").write_text("")
    ran = command("db", "check")
    assert (1, True) == (ran.code, "differs: " in ran.out) or "push_audit" in ran.err


def test_no_database_and_no_database_file_are_told(command: Command) -> None:
    ran = command("db", "check")
    assert (3, "") == (ran.code, ran.out)
    assert "`mfl-lint db upgrade` creates it" in ran.err
    Path("mfl-lint.db").write_bytes(b"this is no database" * 100)
    ran = command("db", "check")
    assert (3, "", 1) == (ran.code, ran.out, ran.err.count("\n"))
    assert b"this is no database" * 100 == Path("mfl-lint.db").read_bytes()


@pytest.mark.parametrize("url", ["nonsense", "mysql://db/x", "sqlite://", "sqlite:///:memory:"])
@pytest.mark.parametrize("call", [("db", "upgrade"), ("db", "check"), ("crawl",)])
def test_a_wrong_address_of_a_database_is_2(
    url: str, call: tuple[str, ...], command: Command
) -> None:
    Path("mfl-lint.toml").write_text(
        f'[database]\nurl = "{url}"\n[[registry]]\nname = "a"\nhost = "127.0.0.1:1"\n'
    )
    ran = command(*call)
    assert (2, "", 1) == (ran.code, ran.out, ran.err.count("\n"))
    assert "database.url" in ran.err


def test_a_backup_is_written_and_restored(command: Command) -> None:
    command("users", "add", "alice", "--no-password")
    ran = command("db", "backup", "backup.db")
    size = Path("backup.db").stat().st_size
    assert (0, f"The database is backed up in backup.db ({size} bytes).\n", "") == ran
    command("users", "add", "bob", "--no-password")
    assert (2, "") == command("db", "restore", "backup.db")[:2]
    ran = command("db", "restore", "backup.db", "--force")
    assert (0, "") == (ran.code, ran.err)
    names = command("users", "list").out
    assert ("alice" in names, "bob" in names) == (True, False)


def test_a_backup_that_cannot_be_is_one_line(command: Command) -> None:
    ran = command("db", "backup", "backup.db")
    assert (3, "", 1) == (ran.code, ran.out, ran.err.count("\n"))
    assert "there is no database mfl-lint.db" in ran.err
    assert not Path("mfl-lint.db").exists()
    command("db", "upgrade")
    ran = command("db", "backup", "missing/backup.db")
    assert (3, "", 1) == (ran.code, ran.out, ran.err.count("\n"))
    Path("backup.db").write_text("mine")
    ran = command("db", "backup", "backup.db")
    assert (2, "", "mine") == (ran.code, ran.out, Path("backup.db").read_text())
    assert "--force" in ran.err


def test_a_new_database_is_its_owners_only(command: Command) -> None:
    command("db", "upgrade")
    assert 0o600 == Path("mfl-lint.db").stat().st_mode & 0o777


def test_a_database_is_moved_and_what_is_there_is_never_overwritten(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    command("users", "add", "alice", "--no-password")
    ran = command("db", "move", "sqlite:///moved.db")
    assert (0, "") == (ran.code, ran.err)
    assert "  users                         1 rows, the same\n" in ran.out
    assert "each table is the same.\nNext: set [database] url" in ran.out
    ran = command("db", "move", "sqlite:///moved.db")
    assert (2, "", 1) == (ran.code, ran.out, ran.err.count("\n"))
    assert "is there already" in ran.err
    monkeypatch.setenv("ELSEWHERE", "sqlite:///another.db")
    assert 0 == command("db", "move", "--to-env", "ELSEWHERE").code
    Path("mfl-lint.toml").write_text('[database]\nurl = "sqlite:///another.db"\n')
    assert "alice" in command("users", "list").out


def test_where_to_move_is_asked_for_once(command: Command) -> None:
    assert 2 == command("db", "move").code
    ran = command("db", "move", "--to-env", "NOT_SET_ANYWHERE")
    assert (2, "") == (ran.code, ran.out)
    assert "the environment variable NOT_SET_ANYWHERE is not set" in ran.err
