"""The wheel works where there is no checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.commands import bare_environment

CHECKOUT: Final = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_all_that_is_needed_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    sources = {("src/mfl_lint", "mfl_lint"), ("migrations", "mfl_lint/_migrations")}
    sources.add(("templates", "mfl_lint/_templates"))
    wanted = {
        f"{target}/{path.relative_to(CHECKOUT / source).as_posix()}"
        for source, target in sources
        for path in (CHECKOUT / source).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert wanted | {"mfl_lint/_config.example.toml"} == held


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into an environment that knows nothing of the checkout.

    Without a network its dependencies cannot be installed; they are linked from this
    environment instead, each by itself: without mfl-lint's own entries, and without the .pth
    files that would lead back to the checkout.
    """
    folder = tmp_path_factory.mktemp("elsewhere")
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    python = folder / "venv" / "bin" / "python"
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", python, "install", "-q"]
    subprocess.run(
        [*pip, "--no-deps", "--no-index", "--disable-pip-version-check", wheel],
        check=True,
        capture_output=True,
        cwd=folder,
    )
    linked = folder / "dependencies"
    linked.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        own = entry.name.replace("-", "_").startswith(("mfl_lint", "_editable"))
        if not own and entry.suffix != ".pth" and entry.name != "__pycache__":
            (linked / entry.name).symlink_to(entry)
    (site,) = (folder / "venv").glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(f"{linked}\n")
    return folder


def test_the_installed_wheel_finds_its_own_files(installed: Path, tmp_path: Path) -> None:
    program = (
        "import sys, mfl_lint, mfl_lint.resources as r\n"
        "print(mfl_lint.__file__, r.migrations_path(), r.templates_path(),"
        " r.example_config_path(), *filter(None, sys.path), sep='\\n')\n"
    )
    done = subprocess.run(
        [installed / "venv" / "bin" / "python", "-c", program],
        env=bare_environment(tmp_path),
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    found = [Path(line) for line in done.stdout.splitlines()]
    print(done.stdout)
    assert all(path.is_relative_to(installed / "venv") for path in found[:4])
    assert [] == [path for path in found[4:] if path.is_relative_to(CHECKOUT)]


def test_the_installed_wheel_runs_the_demo(installed: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [installed / "venv" / "bin" / "mfl-lint", "demo", "--once"],
        env=bare_environment(tmp_path),
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (0, "") == (done.returncode, done.stderr)
    assert "MFL101" in done.stdout
    assert [] == os.listdir(tmp_path)
