"""The container's recipe and systemd's unit say what the code does."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import click
import pytest
import yaml

from mfl_lint.cli import exit_codes
from mfl_lint.cli.main import cli
from mfl_lint.config import DatabaseConfig
from mfl_lint.config_file import load_config
from mfl_lint.config_serve import ServeConfig
from mfl_lint.inputs.dockerfile import read_dockerfile
from mfl_lint.inputs.dockerfile_lines import instructions
from mfl_lint.service.server import check_served
from mfl_lint.service.serving import DRAIN_S
from tests.conftest import _tool
from tests.servers import free_port

CHECKOUT: Final = Path(__file__).parent.parent
CONTAINERFILE: Final = (CHECKOUT / "deploy/Containerfile").read_text()
UNIT: Final = (CHECKOUT / "deploy/mfl-lint.service").read_text()
HOME: Final = "/var/lib/mfl-lint"


def said(name: str) -> list[str]:
    """Return what stands behind each instruction of a name."""
    return [
        " ".join(word.text for word in item.words)
        for item in instructions(CONTAINERFILE, "\\")
        if item.name == name
    ]


def as_called(command: list[str]) -> tuple[str, dict[str, Any]]:
    """Return the command and the options that a call means."""
    group = click.Context(cli, info_name="mfl-lint")
    name, found, rest = cli.resolve_command(group, command)
    assert found is not None
    assert name is not None
    return name, found.make_context(name, rest, parent=group).params


def setting(name: str) -> str:
    """Return a setting of the unit that stands there once."""
    unit = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(UNIT)
    return unit["Service"][name]


def copied() -> list[str]:
    """Return what is copied from the checkout."""
    froms = [text.split() for text in said("COPY") if not text.startswith("--from")]
    return [name for words in froms for name in words[:-1]]


def test_the_image_is_built_of_what_is_there_and_nothing_else_is_sent_to_the_builder() -> None:
    ignored = (CHECKOUT / "deploy/Containerfile.dockerignore").read_text().split()
    assert "*" == ignored[0]
    assert {f"!{name}" for name in copied()} == {x for x in ignored if x.startswith("!")}
    assert all((CHECKOUT / name).exists() for name in copied())


def test_the_copied_files_are_all_that_a_wheel_needs(tmp_path: Path) -> None:
    for name in copied():
        source = CHECKOUT / name
        ignore = shutil.ignore_patterns("__pycache__")
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=ignore)
        else:
            shutil.copy(source, tmp_path / name)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "dist"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    assert 1 == len([*(tmp_path / "dist").glob("*.whl")])


def test_the_image_is_on_one_base_that_is_known_for_its_platforms() -> None:
    contents = read_dockerfile(CONTAINERFILE, "Containerfile")
    assert {"docker.io/library/python:3.13-slim"} == {one.text for one in contents.found}
    assert () == contents.unresolved


def test_the_container_serves_at_the_port_that_it_names() -> None:
    assert ['["mfl-lint"]'] == said("ENTRYPOINT")
    name, options = as_called(json.loads(said("CMD")[0]))
    assert "serve" == name
    assert ("0.0.0.0", ServeConfig().port) == (options["host"], options["port"])
    assert [str(options["port"])] == said("EXPOSE")
    assert f"127.0.0.1:{options['port']}/healthz" in said("HEALTHCHECK")[0]
    assert Path("/etc/mfl-lint/mfl-lint.toml") == options["config_path"]


def test_the_container_runs_as_nobody_who_owns_anything_but_its_data() -> None:
    (user,) = said("USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    number = user.partition(":")[0]
    assert [HOME] == said("VOLUME")
    assert HOME == said("WORKDIR")[-1]
    assert "sqlite:///mfl-lint.db" == DatabaseConfig().url
    assert any(f"-o {number} -g {number} -m 0700 {HOME}" in text for text in said("RUN"))


def test_the_health_check_tells_a_service_from_none(tmp_path: Path) -> None:
    command = json.loads(said("HEALTHCHECK")[0].partition("CMD ")[2])
    assert ["python", "-c"] == command[:2]
    port = free_port()
    check = [sys.executable, "-c", command[2].replace(str(ServeConfig().port), str(port))]
    assert 0 != subprocess.run(check, capture_output=True, check=False).returncode
    running = subprocess.Popen(
        [sys.executable, "-m", "mfl_lint", "serve", "--port", str(port), "--no-config"],
        stdout=subprocess.PIPE,
        cwd=tmp_path,
    )
    with running:
        assert running.stdout is not None
        assert f":{port}/".encode() in running.stdout.readline()
        assert 0 == subprocess.run(check, capture_output=True, check=False).returncode
        running.terminate()


@pytest.fixture(scope="module")
def analyze() -> str:
    """Return the path of systemd-analyze; no systemd runs."""
    return _tool("systemd-analyze", "systemd")


def test_systemd_understands_the_unit(analyze: str, tmp_path: Path) -> None:
    unit = tmp_path / "mfl-lint.service"
    unit.write_text(UNIT.replace("/opt/mfl-lint/bin/mfl-lint", "/bin/true"))
    done = subprocess.run([analyze, "verify", unit], capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if "mfl-lint" in line]
    assert [] == ours


def test_the_unit_leaves_little_open(analyze: str, tmp_path: Path) -> None:
    unit = tmp_path / "mfl-lint.service"
    unit.write_text(UNIT)
    done = subprocess.run(
        [analyze, "security", "--offline=true", "--threshold=20", unit],
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stdout[-400:]


def test_the_unit_starts_what_there_is_where_it_may_write() -> None:
    program, *call = shlex.split(setting("ExecStart"))
    name, options = as_called(call)
    assert ("/opt/mfl-lint/bin/mfl-lint", "serve") == (program, name)
    assert Path("/etc/mfl-lint/mfl-lint.toml") == options["config_path"]
    assert HOME == setting("WorkingDirectory") == f"/var/lib/{setting('StateDirectory')}"
    assert "strict" == setting("ProtectSystem")


def test_the_unit_ends_it_gently_and_does_not_repeat_mistakes() -> None:
    assert str(exit_codes.USAGE) == setting("RestartPreventExitStatus")
    assert "/bin/kill -HUP $MAINPID" == setting("ExecReload")
    assert int(setting("TimeoutStopSec").removesuffix("s")) >= 2 * DRAIN_S


def test_both_have_the_program_in_the_same_place() -> None:
    assert "/opt/mfl-lint/bin:$PATH" in " ".join(said("ENV"))
    assert setting("ExecStart").startswith("/opt/mfl-lint/bin/mfl-lint ")


COMPOSE: Final = CHECKOUT / "deploy/compose.yaml"
FLEET: Final = CHECKOUT / "deploy/fleet.toml"


def composed() -> dict[str, Any]:
    """Return the services of the fleet, by name."""
    services: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
    return services


def test_the_fleet_is_a_database_a_service_three_workers_and_a_proxy() -> None:
    services = composed()
    assert {"database", "service", "worker", "proxy"} == services.keys()
    assert 3 == services["worker"]["deploy"]["replicas"]
    for name in ("service", "worker"):
        command, options = as_called(services[name]["command"])
        assert {"service": "serve", "worker": "worker"}[name] == command
        mounted = services[name]["volumes"]
        assert [f"./{FLEET.name}:{options['config_path']}:ro"] == mounted
    assert composed()["proxy"]["command"][-1] == f"service:{ServeConfig().port}"
    pulled = [one["image"] for one in services.values() if "build" not in one]
    assert all(image.startswith("docker.io/library/") for image in pulled)


def test_the_fleets_database_has_connections_for_twice_as_many_workers() -> None:
    services = composed()
    (most,) = (
        int(word.removeprefix("max_connections="))
        for word in services["database"]["command"]
        if word.startswith("max_connections=")
    )
    _, options = as_called(services["worker"]["command"])
    worker = 12 + options["concurrency"]
    said = (CHECKOUT / "docs/scaling.md").read_text()
    assert f"sets {most}, which are\nenough for {(most - 3 - 2 * 11) // worker} workers" in said
    assert 2 * services["worker"]["deploy"]["replicas"] * worker + 2 * 11 + 3 <= most


def test_the_fleets_settings_have_workers_crawl_and_are_found_by_all() -> None:
    config = load_config(FLEET)
    assert "postgresql" == config.queue.backend
    for name in ("service", "worker"):
        assert config.database.url_env in composed()[name]["environment"]
    check_served(config)
