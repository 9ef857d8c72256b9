from pathlib import Path

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
