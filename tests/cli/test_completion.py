import shutil
import subprocess

import pytest

from mfl_lint.cli.completion import SHELLS
from mfl_lint.cli.main import COMMANDS
from mfl_lint.report.formats import FORMATS
from mfl_lint.rules import discover
from tests.cli.conftest import Command

RULES = discover()


def _completed(process: Command, *words: str) -> list[str]:
    """Return what bash is offered for the last word."""
    environment = {
        "_MFL_LINT_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(("mfl-lint", *words)),
        "COMP_CWORD": str(len(words)),
    }
    ran = process(**environment)
    assert (0, "") == (ran.code, ran.err)
    return [line.partition(",")[2] for line in ran.out.splitlines()]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_is_printed_that_asks_this_command(shell: str, command: Command) -> None:
    ran = command("completion", shell)
    assert (0, "") == (ran.code, ran.err)
    assert f"_MFL_LINT_COMPLETE={shell}_complete" in ran.out


@pytest.mark.parametrize("shell", SHELLS)
def test_the_shell_itself_accepts_the_script(shell: str, command: Command) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"there is no {shell} here")
    script = command("completion", shell).out
    done = subprocess.run([program, "-n"], input=script, text=True, capture_output=True, check=True)
    assert "" == done.stderr


def test_an_unknown_shell_is_2_and_one_line(command: Command) -> None:
    ran = command("completion", "csh")
    assert (2, "", 1) == (ran.code, ran.out, ran.err.count("\n"))


def test_commands_are_completed(process: Command) -> None:
    expected = [name for name in COMMANDS if name.startswith("co")]
    assert expected == _completed(process, "co")


def test_formats_are_completed(process: Command) -> None:
    expected = [name for name in FORMATS if name.startswith("j")]
    assert expected == _completed(process, "scan", "--format", "j")


@pytest.mark.parametrize("option", ["--select", "--ignore"])
def test_rules_and_families_are_completed(option: str, process: Command) -> None:
    ids = [rule.id for rule in RULES if rule.id.startswith("MFL3")]
    assert ["MFL3", *ids] == _completed(process, "scan", option, "mfl3")
    assert ["MFL101,dangling-digest"] == _completed(process, "scan", option, "MFL101,dangling-d")


def test_a_rule_to_explain_is_completed(process: Command) -> None:
    assert ["dangling-digest"] == _completed(process, "explain", "dangling-d")


def test_severities_are_completed(process: Command) -> None:
    assert ["MFL106="] == _completed(process, "scan", "--severity", "MFL106")
    assert ["MFL106=error"] == _completed(process, "scan", "--severity", "MFL106=e")
