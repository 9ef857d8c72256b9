from pathlib import Path

import psycopg
import pytest

from tests.builders import image, place
from tests.cli.conftest import QUICK, Command
from tests.fault_registry import AT_CATALOG, FaultRegistry
from tests.faults import status


def _configure(host: str, more: str = "") -> None:
    Path("mfl-lint.toml").write_text(
        f'{QUICK}[[registry]]\nname = "team"\nhost = "{host}"\ninterval = "1h"\n{more}'
    )


def test_all_is_well(served: FaultRegistry, command: Command) -> None:
    place(served.demo, "team/app", image("linux", "amd64"), "v1")
    _configure(served.host)
    command("db", "upgrade")
    ran = command("doctor")
    assert (0, "") == (ran.code, ran.err)
    assert "it answers: 1 repositories" in ran.out
    assert ran.out.endswith("All is well.\n")


def test_exact_names_need_no_catalogue(served: FaultRegistry, command: Command) -> None:
    place(served.demo, "team/app", image("linux", "amd64"), "v1")
    served.fault(AT_CATALOG, status(401))
    _configure(served.host, 'repositories = ["team/app"]\n')
    ran = command("doctor")
    assert 0 == ran.code
    assert "it answers: 1 tags in team/app" in ran.out


@pytest.mark.parametrize(
    ("code", "cure"), [(403, "check the credentials"), (500, "is the registry running?")]
)
def test_a_registry_that_refuses_needs_care(
    code: int, cure: str, served: FaultRegistry, command: Command
) -> None:
    served.fault(AT_CATALOG, status(code))
    _configure(served.host)
    ran = command("doctor")
    assert 1 == ran.code
    assert f"cure: {cure}" in ran.out or cure in " ".join(ran.out.replace("│", "").split())


def test_a_missing_secret_is_named(command: Command) -> None:
    secret = '[registry.credentials]\nusername = "me"\npassword_env = "NOT_SET_ANYWHERE"\n'
    _configure("127.0.0.1:1", secret)
    ran = command("doctor")
    assert 1 == ran.code
    assert "NOT_SET_ANYWHERE" in ran.out


SECRETS = """
[[registry]]
name = "team"
host = "127.0.0.1:1"
credentials = { username = "me", password_env = "NO_READ" }
push = { enabled = true, credentials = { username = "me", password_env = "NO_PUSH" } }
[[hook]]
name = "first"
kind = "generic"
registry = "team"
secret_env = "NO_HOOK"
[[hook]]
name = "second"
kind = "generic"
registry = "team"
secret_file = "/none"
[[alert.channel]]
name = "chat"
kind = "apprise"
url_env = "NO_CHAT"
[[alert.channel]]
name = "signed"
kind = "webhook"
url = "https://example.org"
secret_file = "/none"
[[alert.channel]]
name = "manager"
kind = "alertmanager"
url = "https://example.org"
token_env = "NO_TOKEN"
[serve]
hosts = ["lint.example"]
[serve.oidc]
issuer = "https://i.example"
client_id = "x"
url = "https://lint.example"
client_secret_env = "NO_OIDC"
"""
NAMED = (
    "registry.team.push.credentials.password_env: the variable NO_PUSH is not set",
    "hook.first.secret_env: NO_HOOK: the variable is not set",
    "hook.second.secret_file: /none: No such file",
    "alert.channel chat: url_env: the variable NO_CHAT is not set",
    "alert.channel signed: secret_file: /none cannot be read",
    "alert.channel manager: token_env: the variable NO_TOKEN is not set",
    "serve.oidc.client_secret_env: the variable NO_OIDC is not set",
)


def test_every_secret_that_is_not_there_is_named_once(command: Command) -> None:
    Path("mfl-lint.toml").write_text(QUICK + SECRETS)
    ran = command("doctor")
    assert 1 == ran.code
    said = " ".join(ran.out.replace("│", "").split())
    for line in (*NAMED, "registry.team.credentials.password_env: the variable NO_READ is not set"):
        assert 1 == said.count(line), line
    checked = command("config", "check")
    # This may be another machine than the one where they are used.
    assert 0 == checked.code
    read = "registry.team.credentials.password_env: the variable NO_READ is not set"
    for line in (read, *NAMED):
        assert 1 == checked.err.count(f"note: {line}"), line


def test_a_mistake_in_the_settings_is_shown_with_what_still_works(command: Command) -> None:
    Path("mfl-lint.toml").write_text("x = 1\n")
    ran = command("doctor")
    assert 1 == ran.code
    assert "✗ configuration" in ran.out
    assert "✓ mfl-lint" in ran.out


def test_a_database_that_is_none_needs_care(command: Command) -> None:
    Path("mfl-lint.db").write_bytes(b"no database" * 100)
    ran = command("doctor")
    assert 1 == ran.code
    assert "✗ database" in ran.out


def test_every_mistake_in_the_settings_is_a_line_of_its_own(command: Command) -> None:
    Path("mfl-lint.toml").write_text("x = 1\ny = 2\n")
    ran = command("doctor")
    assert (1, 2) == (ran.code, ran.out.count("✗ configuration"))


def test_who_may_see_what_is_looked_at(command: Command) -> None:
    Path("mfl-lint.toml").write_text(
        f'{QUICK}[serve]\nhost = "0.0.0.0"\n[serve.proxy]\nuser_header = "X-User"\n'
        'addresses = ["0.0.0.0/0"]\n'
    )
    command("db", "upgrade")
    ran = command("doctor")
    assert 1 == ran.code
    assert "✗ serve\n" in ran.out
    assert "✗ serve.proxy.addresses" in ran.out
    assert "name the proxies' own addresses" in ran.out


def test_a_database_that_everybody_reads_needs_care(command: Command) -> None:
    command("db", "upgrade")
    assert "chmod" not in command("doctor").out
    Path("mfl-lint.db").chmod(0o644)
    ran = command("doctor")
    assert (1, True) == (ran.code, "cure: chmod 600 mfl-lint.db" in ran.out)


def test_a_mistake_in_the_settings_has_a_cure_that_says_what_to_do(command: Command) -> None:
    Path("mfl-lint.toml").write_text(QUICK + '[serve]\nhost = "0.0.0.0"\n')  # refused
    ran = command("doctor")
    assert 1 == ran.code
    assert "change that setting" in " ".join(ran.out.replace("│", "").split())


QUEUE = '[database]\nurl = "{url}"\n[queue]\nbackend = "postgresql"\n'


def test_a_queue_that_no_worker_is_at_needs_care(
    command: Command, served: FaultRegistry, fresh_postgresql: str
) -> None:
    _configure(served.host, QUEUE.format(url=fresh_postgresql))
    command("db", "upgrade")
    ran = command("doctor")
    said = " ".join(ran.out.replace("│", "").split())
    assert 1 == ran.code
    assert "queue no worker gave a sign of life for 10 s" in said
    assert "cure: start `mfl-lint worker`" in said
    assert "1 of 5 need care." in said
    assert (True, False) == ("in PostgreSQL 1" in said, "SQLite" in said)
    with psycopg.connect(fresh_postgresql, autocommit=True) as connection:
        connection.execute("INSERT INTO mfl_lint_queue.procrastinate_workers DEFAULT VALUES")
    ran = command("doctor")
    assert (0, True) == (ran.code, "1 worker at work" in ran.out)


def test_a_queue_in_sqlite_needs_care(command: Command, served: FaultRegistry) -> None:
    _configure(served.host, '[queue]\nbackend = "postgresql"\n')
    said = " ".join(command("doctor").out.replace("│", "").split())
    assert 'queue queue.backend: "postgresql" needs database.url to be a PostgreSQL' in said
