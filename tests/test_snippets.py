"""What the documents offer for copying works: YAML, calls with values, variables, the hook."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import click
import pytest
import yaml

from mfl_lint.cli.main import COMMANDS, cli
from mfl_lint.cli.project import PREFIX, ProjectCommand, variable_of
from mfl_lint.config_file import ENVIRONMENT

ROOT: Final = Path(__file__).parent.parent
PAGES: Final = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PROJECT: Final = ROOT / "docs" / "in-a-project.md"
HOOKS: Final = ROOT / ".pre-commit-hooks.yaml"
_BLOCK: Final = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
_VARIABLE: Final = re.compile(rf"\b{PREFIX}[A-Z_]+")
_URL_OF_A_DATABASE: Final = "MFL_LINT_DATABASE"  # a name that the how-tos choose themselves


def snippets(page: Path) -> list[Any]:
    return [yaml.safe_load(text) for text in _BLOCK.findall(page.read_text())]


def calls(value: Any) -> Iterator[list[str]]:
    """Yield the arguments of each call of mfl-lint in a CI system's configuration."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from calls(item)
    elif isinstance(value, str) and value.startswith("mfl-lint "):
        words = shlex.split(value)[1:]
        yield words[: words.index(">>")] if ">>" in words else words


def accepted(words: list[str]) -> None:
    """Parse a call as it is parsed when it runs; fail where it is wrong."""
    context = click.Context(cli, info_name="mfl-lint")
    command = cli.get_command(context, words[0])
    assert command is not None
    with command.make_context(words[0], words[1:], parent=context):
        pass


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_call_in_a_snippet_of_yaml_is_one_that_runs(page: Path) -> None:
    for snippet in snippets(page):
        for words in calls(snippet):
            accepted(words)


def test_there_is_a_snippet_for_each_system() -> None:
    github, gitlab, hook, local = snippets(PROJECT)
    steps = github["jobs"]["mfl-lint"]["steps"]
    assert any("sarif=mfl-lint.sarif" in step.get("run", "") for step in steps)
    assert "mfl-lint.sarif" == steps[-1]["with"]["sarif_file"]
    (call,) = calls(gitlab["images"])
    for report in gitlab["images"]["artifacts"]["reports"].values():
        assert any(word.endswith(f"={report}") for word in call)
    assert "local" == local["repos"][0]["repo"]
    assert ["mfl-lint"] == [item["id"] for item in hook["repos"][0]["hooks"]]


def test_the_hook_runs_with_the_arguments_that_the_page_gives_it() -> None:
    (hook,) = yaml.safe_load(HOOKS.read_text())
    assert {"id", "name", "entry", "language"} <= set(hook)
    assert not hook["pass_filenames"]
    used = snippets(PROJECT)[2]["repos"][0]["hooks"][0]
    assert hook["id"] == used["id"]
    accepted([*shlex.split(hook["entry"])[1:], *used["args"]])
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert shlex.split(hook["entry"])[0] in scripts


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_environment_variable_in_a_document_is_read(page: Path) -> None:
    known = {ENVIRONMENT, _URL_OF_A_DATABASE}
    for module, _ in COMMANDS.values():
        command = import_module(f"mfl_lint.cli.{module}").command
        if isinstance(command, ProjectCommand):
            known |= {
                variable_of(item) for item in command.params if isinstance(item, click.Option)
            }
    assert set() == set(_VARIABLE.findall(page.read_text())) - known - {PREFIX}
