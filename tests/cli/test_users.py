"""`mfl-lint users` and `mfl-lint tokens`: what they print, and that they print no secret."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from mfl_lint.cli import tokens, users
from mfl_lint.core.access import SCOPES, Role
from mfl_lint.core.password import verifies
from tests.cli.conftest import Command

PASSWORD = "correct horse battery"


@pytest.fixture
def password() -> Path:
    """Return a file with a password in it."""
    path = Path("password")
    path.write_text(f"{PASSWORD}\nsecond line\n")
    return path


def rows(query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect("mfl-lint.db") as connection:
        found = connection.execute(query).fetchall()
    connection.close()
    return found


def test_roles_and_scopes_are_those_that_there_are() -> None:
    assert tuple(map(str, Role)) == users.ROLES
    assert tuple(map(str, SCOPES)) == tokens.SCOPES


def test_a_user_lives_from_add_to_remove(command: Command, password: Path) -> None:
    added = command("users", "add", "Alice", "--role", "editor", "--password-file", str(password))
    assert (0, "Added alice as editor.\n", "") == added
    ((kept,),) = rows("SELECT password FROM users")
    assert verifies(PASSWORD, str(kept))
    listed = command("users", "list")
    assert all(word in listed.out for word in ("alice", "editor", "active", "yes"))
    assert (0, "alice is admin now.\n", "") == command("users", "role", "alice", "admin")
    assert (0, "alice is shut out.\n", "") == command("users", "disable", "alice")
    assert "disabled" in command("users", "list").out
    assert "alice may sign in again.\n" == command("users", "enable", "alice").out
    assert 0 == command("users", "disable", "alice").code
    again = command("users", "disable", "alice", "--undo")
    assert (0, "alice may sign in again.\n", "") == again
    gone = command("users", "remove", "alice")
    assert (0, True) == (gone.code, "Nobody is left" in gone.out)
    assert "There are no users" in command("users", "list").out
    deeds = [str(action) for (action,) in rows("SELECT action FROM audit ORDER BY id")]
    wanted = [
        "user.add",
        "user.role",
        "user.disable",
        "user.enable",
        "user.disable",
        "user.enable",
        "user.remove",
    ]
    assert wanted == deeds


def test_a_password_comes_from_the_standard_input(process: Command) -> None:
    added = process("users", "add", "bob", stdin=PASSWORD.encode() + b"\r\nmore")
    assert (0, "Added bob as viewer.\n") == (added.code, added.out)
    other = process("users", "passwd", "bob", "--password-file", "-", stdin=b"another password\n")
    assert 0 == other.code
    ((kept,),) = rows("SELECT password FROM users")
    assert verifies("another password", str(kept))


def test_a_user_without_a_password_has_none(command: Command) -> None:
    assert 0 == command("users", "add", "carol", "--no-password").code
    assert [("",)] == rows("SELECT password FROM users")


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (("users", "add", "a b", "--no-password"), "cannot be a user's name"),
        (("users", "add", "everyone", "--no-password"), "meaning of its own"),
        (("users", "add", "x", "--password-file", "nowhere"), "nowhere: No such file"),
        (("users", "add", "x", "--no-password", "--password-file", "-"), "exclude each other"),
        (("users", "add", "x", "--role", "king"), "king"),
        (("users", "passwd", "nobody"), "there is no user"),
        (("users", "role", "nobody", "admin"), "there is no user"),
        (("users", "disable", "nobody"), "there is no user"),
        (("users", "remove", "nobody"), "there is no user"),
        (("tokens", "add", "ci", "--user", "nobody"), "there is no user"),
        (("tokens", "add", "a/b", "--user", "nobody"), "cannot be a token's name"),
        (("tokens", "add", "ci", "--user", "x", "--expires", "soon"), "--expires"),
        (("tokens", "add", "ci", "--user", "x", "--expires", "0s"), "of no use"),
        (("tokens", "add", "ci", "--user", "x", "--expires", "999999999w"), "calendar"),
        (("tokens", "add", "ci", "--user", "x", "--scope", "all"), "all"),
        (("tokens", "revoke", "nothing"), "there is no token"),
    ],
)
def test_a_mistake_is_one_line_and_2(call: tuple[str, ...], told: str, command: Command) -> None:
    ran = command(*call)
    assert (2, "", 1) == (ran.code, ran.out, ran.err.count("\n"))
    assert told in ran.err


def test_a_password_that_is_too_short_is_not_repeated(command: Command) -> None:
    Path("password").write_text("hunter2\n")
    ran = command("users", "add", "alice", "--password-file", "password")
    assert (2, "", False) == (ran.code, ran.out, "hunter2" in ran.err)
    Path("password").write_bytes(b"\xff\xfe secret secret")
    ran = command("users", "add", "alice", "--password-file", "password")
    assert (2, "", False) == (ran.code, ran.out, "secret" in ran.err)


def test_a_name_that_is_taken_is_told(command: Command) -> None:
    command("users", "add", "alice", "--no-password")
    ran = command("users", "add", "ALICE", "--no-password")
    assert (2, True) == (ran.code, "there is a user 'alice' already" in ran.err)


def test_a_token_is_shown_once_and_lives_until_it_is_revoked(command: Command) -> None:
    command("users", "add", "alice", "--role", "editor", "--no-password")
    ask = ("tokens", "add", "ci", "--user", "alice", "--scope", "read", "--scope", "scan")
    made = command(*ask, "--expires", "90d")
    secret = made.out.strip()
    assert (0, True, 1) == (made.code, secret.startswith("mfl_"), made.out.count("\n"))
    listed = command("tokens", "list")
    assert all(word in listed.out for word in ("ci", "alice", "read, scan", "never", "until"))
    assert secret not in listed.out
    assert secret.encode() not in Path("mfl-lint.db").read_bytes()
    assert (0, "Revoked ci.\n", "") == command("tokens", "revoke", "ci")
    assert (0, "ci was revoked before.\n", "") == command("tokens", "revoke", "ci")
    assert "revoked" in command("tokens", "list").out


def test_without_tokens_the_list_says_how_to_make_one(command: Command) -> None:
    assert "mfl-lint tokens add" in command("tokens", "list").out


def test_who_only_reads_creates_no_database(command: Command) -> None:
    ran = command("users", "list")
    assert (0, True) == (ran.code, "There are no users" in ran.out)
    ran = command("tokens", "list")
    assert (0, True) == (ran.code, "There are no tokens" in ran.out)
    assert not Path("mfl-lint.db").exists()
