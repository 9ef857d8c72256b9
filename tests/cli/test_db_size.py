import json
import sqlite3
from pathlib import Path

import pytest

from tests.cli.conftest import Command


@pytest.fixture
def database(command: Command) -> Path:
    """Return a database with a crawl that ended long ago, as the settings do not keep it."""
    command("db", "upgrade")
    with sqlite3.connect("mfl-lint.db") as connection:
        connection.execute(
            "INSERT INTO registries (id, name, host, first_seen_at) VALUES (1, 'r', 'h', 0)"
        )
        for number in range(110):
            connection.execute(
                "INSERT INTO crawls (id, registry_id, status, started_at, finished_at) "
                "VALUES (?, 1, 'done', 0, 0)",
                [number],
            )
    connection.close()
    return Path("mfl-lint.db")


def test_what_is_there_is_shown_and_what_retention_would_take(
    database: Path, command: Command
) -> None:
    ran = command("db", "stats")
    assert (0, "") == (ran.code, ran.err)
    assert "  crawls                      110 rows" in ran.out
    assert "1970-01-01 to 1970-01-01" in ran.out
    assert "Retention would remove these rows:\n  crawls                       10\n" in ran.out


def test_the_same_in_json(database: Path, command: Command) -> None:
    ran = command("db", "stats", "--json")
    told = json.loads(ran.out)
    assert (1, 0, 10) == (told["version"], told["tags"], told["removable"]["crawls"])
    assert 110 == told["sizes"]["tables"]["crawls"]["rows"]
    assert told["sizes"]["bytes"] == database.stat().st_size


def test_retention_removes_only_without_dry_run(database: Path, command: Command) -> None:
    said = "these rows:\n  crawls                       10\n"
    assert (0, f"Retention would remove {said}", "") == command("db", "retain", "--dry-run")
    assert (0, f"Retention removed {said}", "") == command("db", "retain")
    assert (0, "Retention removed nothing.\n", "") == command("db", "retain")


def test_what_is_kept_for_ever_stays(database: Path, command: Command) -> None:
    Path("mfl-lint.toml").write_text("[retention]\ncrawls = 0\n")
    assert (0, "Retention removed nothing.\n", "") == command("db", "retain")


def test_a_database_is_compacted(database: Path, command: Command) -> None:
    ran = command("db", "compact")
    assert (0, "") == (ran.code, ran.err)
    assert ran.out.startswith("The database takes ")


@pytest.mark.parametrize("call", ["stats", "retain", "compact"])
def test_where_no_database_is_none_is_made(call: str, command: Command) -> None:
    ran = command("db", call)
    assert (3, "", 1) == (ran.code, ran.out, ran.err.count("\n"))
    assert not Path("mfl-lint.db").exists()
