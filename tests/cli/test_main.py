import subprocess
import sys
from importlib import import_module

import click
import pytest

from mfl_lint import __version__
from mfl_lint.cli.main import COMMANDS
from tests.cli.conftest import Command

HEAVY = ("aiohttp", "sqlalchemy", "alembic", "jinja2", "rich", "msgspec", "asyncio", "apscheduler")


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys\nfrom mfl_lint.cli.failures import run\nassert run(['--help']) == 0\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "[]" == done.stdout.splitlines()[-1]


def test_help_lists_every_command(command: Command) -> None:
    ran = command("--help")
    assert 0 == ran.code
    listed = [line.split()[0] for line in ran.out.partition("Commands:")[2].split("\n") if line]
    assert list(COMMANDS) == listed[: len(COMMANDS)]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_in_the_help_is_the_commands_own(name: str) -> None:
    module, line = COMMANDS[name]
    command = import_module(f"mfl_lint.cli.{module}").command
    assert isinstance(command, click.Command)
    assert name == command.name
    assert line == (command.help or "").split("\n")[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, command: Command) -> None:
    ran = command(name, "--help")
    assert 0 == ran.code
    assert ran.out.startswith(f"Usage: mfl-lint {name}")


def test_the_version_is_printed(command: Command) -> None:
    assert (0, f"mfl-lint, version {__version__}\n", "") == command("--version")


def test_no_command_is_a_usage_error_that_shows_the_help(command: Command) -> None:
    ran = command()
    assert (2, "") == (ran.code, ran.out)
    assert "Commands:" in ran.err


def test_an_unknown_command_gets_a_suggestion(command: Command) -> None:
    expected = (
        "mfl-lint: error: there is no command 'scann'; did you mean scan? (see mfl-lint --help)\n"
    )
    assert (2, "", expected) == command("scann")
