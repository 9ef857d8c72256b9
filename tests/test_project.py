"""What holds for the project as a whole: imports, start-up, documentation."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, get_args

import click
import msgspec
import pytest
from click.testing import CliRunner

from mfl_lint import __version__
from mfl_lint.cli.main import COMMANDS, cli
from mfl_lint.config_file import File, load_config, parse_config
from mfl_lint.config_kinds import Settings
from tests.e2e.commands import bare_environment

CHECKOUT: Final = Path(__file__).parent.parent
DOCUMENTS: Final = [
    CHECKOUT / "README.md",
    CHECKOUT / "CONTRIBUTING.md",
    CHECKOUT / "CHANGELOG.md",
    *sorted((CHECKOUT / "docs").glob("*.md")),
]
HEAVY: Final = (
    "aiohttp",
    "sqlalchemy",
    "jinja2",
    "alembic",
    "apscheduler",
    "rich",
    "prometheus_client",
)
_FENCED: Final = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE: Final = re.compile(r"`([^`\n]+)`")
_CALL: Final = re.compile(r"(?<![\w./-])mfl-lint((?: +[^\s|`;#)]+)*)")
_NAME: Final = re.compile(r"[a-z][a-z-]*")
_OPTION: Final = re.compile(r"--?[a-z][a-z-]*")
_MAKE: Final = re.compile(r"(?<![\w/-])make ([a-z][a-z-]*)")


def code_of(document: Path) -> Iterator[str]:
    """Yield the code in a document: its blocks, and the spans outside and in TOML's comments."""
    text = document.read_text()
    spans = [_FENCED.sub("", text), *toml_of(document)]
    yield from (block[2] for block in _FENCED.finditer(text) if block[1] != "toml")
    yield from (span for part in spans for span in _INLINE.findall(part))


def toml_of(document: Path) -> list[str]:
    return [found[2] for found in _FENCED.finditer(document.read_text()) if found[1] == "toml"]


def command_of(words: list[str]) -> tuple[list[str], click.Command]:
    """Return the command that the words begin with, and its path; fail where there is none."""
    assert words[0] in COMMANDS, f"there is no command mfl-lint {words[0]}"
    context = click.Context(cli)
    command = cli.get_command(context, words[0])
    assert command is not None
    if not isinstance(command, click.Group):
        return words[:1], command
    if len(words) < 2:
        return words[:1], command
    below = command.get_command(context, words[1].partition("|")[0])
    assert below is not None, f"there is no command mfl-lint {words[0]} {words[1]}"
    return words[:2], below


def test_imports_point_down() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    assert re.search(r"[1-9]\d* kept, 0 broken", done.stdout)


def test_help_is_quick_because_it_imports_nothing_heavy(tmp_path: Path) -> None:
    program = (
        "import json, sys\nfrom mfl_lint.cli.failures import run\ncode = run(['--help'])\n"
        "print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)\n"
    )
    environment = bare_environment(tmp_path)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    code, loaded = json.loads(done.stderr)
    assert 0 == code
    assert all(f"  {name}" in done.stdout for name in COMMANDS)
    assert [] == [name for name in loaded if name.partition(".")[0] in HEAVY]
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"mfl-lint --help: {used:.3f} s of processor time (0.3 s are the bound)")
    assert used < 3


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_and_option_in_a_document_exists(document: Path) -> None:
    for code in code_of(document):
        for call in _CALL.finditer(code.replace("\\\n", " ")):
            words = call[1].split()
            if not words or not _NAME.fullmatch(words[0].partition("|")[0]):
                continue
            path, command = command_of([words[0].partition("|")[0], *words[1:]])
            known = {name for item in command.params for name in (*item.opts, *item.secondary_opts)}
            named = {word.partition("=")[0] for word in words if word.startswith("-")}
            options = {word for word in named if _OPTION.fullmatch(word)}
            assert set() == options - known - {"--help", "-h"}, call[0]
            path = [word.partition("|")[0] for word in path]
            assert 0 == CliRunner().invoke(cli, [*path, "--help"]).exit_code


def test_the_documents_name_the_commands_that_matter() -> None:
    calls = [call[1] for code in code_of(DOCUMENTS[0]) for call in _CALL.finditer(code)]
    named = {words.split()[0] for words in calls if words}
    assert {"scan", "inspect", "explain", "config", "doctor", "crawl", "serve"} <= named


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_make_target_in_a_document_exists(document: Path) -> None:
    makefile = (CHECKOUT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = {target for code in code_of(document) for target in _MAKE.findall(code)}
    assert set() == named - targets


def settings_of(kind: type[Settings], path: str) -> Iterator[str]:
    """Yield every setting's path as it is written in a file."""
    for field in msgspec.structs.fields(kind):
        name = f"{path}{field.name.removesuffix('_s')}"
        yield name
        for inner in (field.type, *get_args(field.type)):
            if isinstance(inner, type) and issubclass(inner, Settings):
                yield from settings_of(inner, f"{name}.")


SETTINGS: Final = frozenset(settings_of(File, ""))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_setting_in_a_document_exists(document: Path, tmp_path: Path) -> None:
    for text in toml_of(document):
        in_pyproject = re.search(r"^\[+tool\.", text, re.MULTILINE)
        path = tmp_path / ("pyproject.toml" if in_pyproject else "mfl-lint.toml")
        path.write_text(text)
        load_config(path)
    sections = {name for name in SETTINGS if "." not in name}
    for code in _INLINE.findall(_FENCED.sub("", document.read_text())):
        name = re.fullmatch(r"([a-z]+)\.[a-z_.]+", code)
        if name and name[1] in sections and not code.endswith((".py", ".md", ".toml", ".html")):
            assert code in SETTINGS


def uncommented(example: str) -> str:
    """Return the example with every setting and table taken out of its comment."""
    return re.sub(r"^# (?=\[|[A-Za-z0-9_]+ = )", "", example, flags=re.MULTILINE)


def test_the_example_of_a_configuration_is_valid_as_it_is_and_in_full() -> None:
    example = (CHECKOUT / "config.example.toml").read_text()
    assert () == parse_config(example).registries
    full = parse_config(uncommented(example))
    assert 1 == len(full.registries)
    assert (1, 1) == (len(full.policy.requirements), len(full.policy.ignores))


def test_the_example_of_a_configuration_has_every_setting() -> None:
    import tomllib

    written = tomllib.loads(uncommented((CHECKOUT / "config.example.toml").read_text()))
    assert [] == sorted(SETTINGS - set(paths_of(written, "")))


def paths_of(table: dict[str, Any], path: str) -> Iterator[str]:
    for name, value in table.items():
        yield f"{path}{name}"
        for below in value if isinstance(value, list) else [value]:
            if isinstance(below, dict):
                yield from paths_of(below, f"{path}{name}.")


def own_files() -> list[Path]:
    """Return the files of the checkout that are not made by it."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("this is no git checkout")
    named = (CHECKOUT / name for name in done.stdout.split("\0") if name)
    return [path for path in named if path.is_file()]


def test_no_file_names_this_machine_or_an_index_of_packages() -> None:
    hosts = "|".join(("py" + r"pi\.org", "python" + r"hosted\.org"))
    everywhere = re.compile(rf"{hosts}|(?<![\w.:/])/(?:{'wo' + 'rk'}|{'ro' + 'ot'})/")
    outside_tests = re.compile(r"(?<![\w.])/tm" + "p/")
    for path in own_files():
        text = path.read_bytes().decode("utf-8", "replace")
        name = path.relative_to(CHECKOUT)
        found = everywhere.search(text)
        if found is None and name.parts[0] != "tests":
            found = outside_tests.search(text)
        assert found is None, f"{name}: {found}"


def test_the_changelog_begins_with_this_version_or_what_comes_after_it() -> None:
    headings = re.findall(r"^## (\S+)", (CHECKOUT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert __version__ == headings[headings[0] == "Unreleased"]
