"""Run the command as its users do, against a registry that lives in a thread of its own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from mfl_lint.cli.failures import run
from tests.fault_registry import FaultRegistry

QUICK = "[http]\nretries = 0\ntimeout = '5s'\n"


class Ran(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


Command = Callable[..., Ran]


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's settings, credentials and proxies out of the tests."""
    home = tmp_path / "home"
    home.mkdir()
    for name in [key for key in os.environ if key.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.chdir(home)
    (home / "mfl-lint.toml").write_text(QUICK)
    monkeypatch.setenv("MFL_LINT_CONFIG", str(home / "mfl-lint.toml"))


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Return a function that runs the command line in this process."""

    def ran(*arguments: str) -> Ran:
        code = run(arguments)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return ran


@pytest.fixture
def process() -> Command:
    """Return a function that runs the command line in a process of its own."""

    def ran(*arguments: str, stdin: bytes = b"", **environment: str) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "mfl_lint", *arguments],
            input=stdin,
            capture_output=True,
            env={**os.environ, **environment},
            timeout=60,
            check=False,
        )
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    return ran


@pytest.fixture
def served() -> Iterator[FaultRegistry]:
    """Return a fault registry that is served by another thread."""
    registry = FaultRegistry()
    ready, loop = threading.Event(), asyncio.new_event_loop()
    over = asyncio.Event()

    async def serve() -> None:
        async with registry:
            ready.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert ready.wait(10)
    yield registry
    loop.call_soon_threadsafe(over.set)
    thread.join(10)
    loop.close()
