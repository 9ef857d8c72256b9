"""Which settings hold: option over environment over file over default."""

import json
from importlib import import_module
from pathlib import Path

import click
import pytest

from mfl_lint.cli.main import COMMANDS
from mfl_lint.cli.project import ELSEWHERE, ProjectCommand, variable_of
from mfl_lint.rules import discover
from tests.builders import image, index, place
from tests.cli.conftest import QUICK, Command
from tests.fault_registry import FaultRegistry

AMD64 = image("linux", "amd64")
FRAGILE = index(AMD64, image("linux", "arm"))
WRONG = index(AMD64, image("linux", "amd64", name="b"), annotate={1: {"platform": "linux/arm64"}})
SETTINGS = Path("mfl-lint.toml")


def _rules(text: str) -> set[str]:
    return {finding["rule"] for finding in json.loads(text)["findings"]}


@pytest.fixture
def fragile(served: FaultRegistry) -> str:
    """Return the reference of a list with nothing worse than warnings."""
    place(served.demo, "team/app", FRAGILE, "v1")
    return f"{served.host}/team/app:v1"


@pytest.fixture
def wrong(served: FaultRegistry) -> str:
    """Return the reference of a list with errors."""
    place(served.demo, "team/app", WRONG, "v1")
    return f"{served.host}/team/app:v1"


@pytest.mark.parametrize("name", ["scan", "inspect"])
def test_an_option_wins_over_the_environment_over_the_file_over_the_default(
    name: str, fragile: str, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 0 == command(name, fragile).code
    SETTINGS.write_text(f'{QUICK}[scan]\nfail_on = "warning"\n')
    assert 1 == command(name, fragile).code
    monkeypatch.setenv("MFL_LINT_FAIL_ON", "never")
    assert 0 == command(name, fragile).code
    assert 1 == command(name, fragile, "--fail-on", "warning").code
    monkeypatch.setenv("MFL_LINT_FAIL_ON", "error")
    assert 0 == command(name, fragile).code


def test_options_with_several_values_stand_in_the_environment_too(
    fragile: str, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MFL_LINT_REQUIRE", "linux/amd64,linux/s390x linux/ppc64le")
    monkeypatch.setenv("MFL_LINT_SELECT", "MFL4")
    monkeypatch.setenv("MFL_LINT_FORMAT", "json")
    monkeypatch.setenv("MFL_LINT_QUIET", "1")
    ran = command("scan", fragile)
    assert (1, {"MFL401"}) == (ran.code, _rules(ran.out))
    assert "linux/ppc64le" in ran.out


def test_a_mistake_in_the_environment_is_2_and_names_the_variable(
    fragile: str, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MFL_LINT_FAIL_ON", "always")
    ran = command("scan", fragile)
    assert (2, "", 1) == (ran.code, ran.out, ran.err.count("\n"))
    assert "MFL_LINT_FAIL_ON" in ran.err


def test_every_command_that_looks_at_images_takes_its_options_from_the_environment() -> None:
    looking = {}
    for name, (module, _) in COMMANDS.items():
        command = import_module(f"mfl_lint.cli.{module}").command
        if isinstance(command, ProjectCommand):
            looking[name] = command
    assert {"scan", "inspect", "select", "diff", "ready"} <= set(looking)
    for command in looking.values():
        for option in (item for item in command.params if isinstance(item, click.Option)):
            named = None if option.name in ELSEWHERE else variable_of(option)
            assert named == option.envvar


def test_the_option_that_writes_nothing_keeps_its_name() -> None:
    option = click.Option(["-q", "--quiet", "--no-progress", "quiet"], is_flag=True)
    assert "MFL_LINT_QUIET" == variable_of(option)


def test_a_file_of_the_project_is_found_and_no_config_reads_none(
    fragile: str, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MFL_LINT_CONFIG")
    Path("pyproject.toml").write_text('[tool.mfl-lint.scan]\nfail_on = "warning"\n')
    SETTINGS.unlink()
    below = Path("a/b")
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert 1 == command("scan", fragile).code
    assert 0 == command("scan", fragile, "--no-config").code
    ran = command("scan", fragile, "--no-config", "--config", "x.toml")
    assert (2, "", 1) == (ran.code, ran.out, ran.err.count("\n"))


def test_two_files_in_one_directory_are_said(
    fragile: str, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MFL_LINT_CONFIG")
    Path("pyproject.toml").write_text('[tool.mfl-lint.scan]\nfail_on = "warning"\n')
    ran = command("scan", fragile)
    assert (0, 1) == (ran.code, ran.err.count("\n"))
    assert "pyproject.toml: [tool.mfl-lint] is not read: mfl-lint.toml goes first" in ran.err


def test_only_the_selected_rules_are_run(wrong: str, command: Command) -> None:
    everything = _rules(command("scan", wrong, "--format", "json").out)
    assert {"MFL101"} < everything | {"MFL999"}
    for chosen in (("--select", "MFL101"), ("--select", "platform-contradicts-config")):
        ran = command("scan", wrong, *chosen, "--format", "json")
        assert (1, {"MFL101"}) == (ran.code, _rules(ran.out))
    ran = command("scan", wrong, "--select", "MFL2,MFL3", "--format", "json")
    assert (0, set()) == (ran.code, _rules(ran.out))
    ran = command("scan", wrong, "--ignore", "MFL1", "--format", "json")
    assert (0, set()) == (ran.code, {rule for rule in _rules(ran.out) if rule[:4] == "MFL1"})
    ran = command("scan", wrong, "--select", "MFL1", "--ignore", "mfl101", "--format", "json")
    assert "MFL101" not in _rules(ran.out)


def test_a_selected_rule_runs_though_the_file_disables_it(wrong: str, command: Command) -> None:
    SETTINGS.write_text(f'{QUICK}[policy]\ndisabled = ["MFL1"]\n')
    assert 0 == command("scan", wrong).code
    assert 1 == command("scan", wrong, "--select", "MFL101").code


def test_a_severity_can_be_changed(wrong: str, command: Command) -> None:
    chosen = ("--select", "MFL101", "--severity", "platform-contradicts-config=info")
    assert 0 == command("scan", wrong, *chosen).code
    ran = command("scan", wrong, *chosen, "--severity", "MFL1=warning", "--format", "json")
    assert (0, ["info"]) == (ran.code, [x["severity"] for x in json.loads(ran.out)["findings"]])
    assert 1 == command("scan", wrong, *chosen, "--severity", "MFL101=error").code


def test_inspect_shows_what_the_chosen_rules_find(wrong: str, command: Command) -> None:
    ran = command("inspect", wrong, "--select", "MFL101", "--severity", "MFL101=info", "--json")
    assert (0, {"MFL101"}) == (ran.code, _rules(ran.out))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--select", "MFL1O1"), "--select: there is no rule 'MFL1O1'; did you mean \"MFL1"),
        (("--ignore", "danglin-digest"), "--ignore: there is no rule 'danglin-digest'; did you"),
        (("--select", ""), "--select: there is no rule ''"),
        (("--select", "MFL9"), "--select: there is no rule 'MFL9'"),
        (("--severity", "MFL101"), "--severity 'MFL101': write RULE=SEVERITY"),
        (("--severity", "MFL101=bad"), "--severity MFL101: 'bad' is none of error, warning, info"),
        (("--severity", "xyz=error"), "--severity xyz: there is no rule 'xyz'"),
    ],
)
def test_an_unknown_rule_is_2_and_one_line_with_the_nearest(
    arguments: tuple[str, ...], said: str, command: Command
) -> None:
    ran = command("scan", "app", *arguments)
    assert (2, "", 1) == (ran.code, ran.out, ran.err.count("\n"))
    assert said in ran.err


def test_all_mistakes_of_the_call_and_of_the_file_are_told_at_once(command: Command) -> None:
    ran = command("scan", "app", "--select", "x1", "--ignore", "y1,y2", "--severity", "z=error")
    assert (2, 4) == (ran.code, ran.err.count("\n"))
    SETTINGS.write_text('x = 1\n[http]\ntimeout = "soon"\nretries = -1\n[policy]\nhosts = ["a"]\n')
    ran = command("scan", "app")
    assert (2, "") == (ran.code, ran.out)
    keys = [line.split(": ")[3] for line in ran.err.splitlines()]
    assert ["x", "http.timeout", "http.retries", "policy.hosts"] == keys


def test_every_family_can_be_selected(command: Command) -> None:
    families = sorted({rule.id[:4] for rule in discover()})
    ran = command("scan", "127.0.0.1:1/app", "--select", ",".join(families), "--format", "json")
    assert 3 == ran.code
