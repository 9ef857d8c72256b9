"""Run the real command, and the tools that fill a registry, as their users do."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

_TIMEOUT_S: Final = 60.0
_ADDRESS: Final = re.compile(r"http://[^\s/]+:\d+/")


class Done(msgspec.Struct, frozen=True):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return the standard output as JSON."""
        return msgspec.json.decode(self.out)

    @property
    def findings(self) -> list[tuple[str, str, str]]:
        """Return rule, reference and message of the findings of `--format json`."""
        return [(x["rule"], x["reference"], x["message"]) for x in self.json["findings"]]


def bare_environment(home: Path, **more: str) -> dict[str, str]:
    """Return an environment without settings of whoever runs the tests."""
    home.mkdir(exist_ok=True)
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", **more}


async def run(*command: str | Path, env: Mapping[str, str], cwd: Path) -> Done:
    """Run a command to its end."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env=env,
        cwd=cwd,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            out, err = await process.communicate()
    finally:
        await _end(process)
    return Done(process.returncode or 0, out.decode(), err.decode())


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()


class MflLint:
    """The command line in a place of its own: home, working directory, environment."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.env = bare_environment(self.home, **environment)

    def write_config(self, text: str) -> None:
        """Write the configuration that every command finds."""
        (self.folder / "mfl-lint.toml").write_text(text)

    async def __call__(self, *arguments: str | Path) -> Done:
        """Run a command to its end."""
        return await run(*self._command(arguments), env=self.env, cwd=self.folder)

    async def scan(self, *arguments: str) -> Done:
        """Run `scan` with its report as JSON."""
        return await self("scan", "--format", "json", *arguments)

    @asynccontextmanager
    async def started(self, *arguments: str) -> AsyncIterator[Started]:
        """Run a command that serves until it is told to end."""
        process = await asyncio.create_subprocess_exec(
            *self._command(arguments),
            env={**self.env, "PYTHONUNBUFFERED": "1"},
            cwd=self.folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            yield Started(process)
        finally:
            await _end(process)

    def _command(self, arguments: tuple[str | Path, ...]) -> list[str | Path]:
        return [sys.executable, "-m", "mfl_lint", *arguments]


class Started:
    """A command that runs, and what it said so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.said = ""

    async def address(self) -> str:
        """Return the address that it says it answers at."""
        return (await self.until(_ADDRESS))[0]

    async def until(self, pattern: re.Pattern[str]) -> re.Match[str]:
        """Return the first line that matches, from here on."""
        stdout = self._process.stdout
        assert stdout is not None
        async with asyncio.timeout(_TIMEOUT_S):
            while line := (await stdout.readline()).decode():
                self.said += line
                if found := pattern.search(line):
                    return found
        raise AssertionError(f"it ended, and said: {self.said}")

    def send(self, what: signal.Signals) -> None:
        """Send it a signal."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(what)

    async def end(self, within_s: float, what: signal.Signals = signal.SIGTERM) -> int:
        """End it with a signal and return its exit code; fail where that takes longer."""
        self.send(what)
        async with asyncio.timeout(within_s):
            rest, _ = await self._process.communicate()
        self.said += rest.decode()
        return self._process.returncode or 0
