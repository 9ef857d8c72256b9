"""Files beside the code are found in a checkout, and in the installed package first."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from mfl_lint import resources


def test_a_checkout_finds_its_own_files() -> None:
    top = Path(__file__).resolve().parents[1]
    found = (
        resources.migrations_path(),
        resources.templates_path(),
        resources.example_config_path(),
    )
    assert (top / "migrations", top / "templates", top / "config.example.toml") == found


def test_an_installed_package_uses_what_it_holds_and_tells_what_it_lacks(tmp_path: Path) -> None:
    package = tmp_path / "site-packages" / "mfl_lint"
    source = Path(resources.__file__).parent
    for name in ("__init__.py", "resources.py", "core/__init__.py", "core/errors.py"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, package / name)
    (package / "_migrations").mkdir()
    (tmp_path / "migrations").mkdir()
    code = (
        "from mfl_lint import resources; print(resources.migrations_path())\n"
        "try: resources.templates_path()\n"
        "except Exception as error: print(error)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(package.parent)},
        capture_output=True,
        text=True,
    )
    told = "the installation is incomplete: _templates is missing; install it again"
    assert f"{package / '_migrations'}\n{told}\n" == ended.stdout
