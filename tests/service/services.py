"""`mfl-lint serve` in processes of their own that somebody may kill."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from pathlib import Path
from typing import Final

from tests.service.fleet import ROOT

SERVE: Final = """
[serve]
port = 0
access_log = "off"
"""


class Service:
    """`mfl-lint serve` in a process of its own, that leads or waits to."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._led: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._hearing = asyncio.create_task(self._hear())

    async def _hear(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            if found := re.search(rb"this service leads now \(number (\d+)\)", line):
                self._led.set_result(int(found[1]))

    async def led(self) -> int:
        """Return the number of its leadership once it leads."""
        async with asyncio.timeout(240.0):
            return await self._led

    async def kill(self) -> None:
        """Kill it at once."""
        os.kill(self.process.pid, signal.SIGKILL)
        await self.process.wait()
        await self._hearing


async def service(folder: Path) -> Service:
    """Start a service, and return it when its pages answer."""
    command = ("-m", "mfl_lint", "serve", "--config", str(folder / "fleet.toml"))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *command),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    started = Service(process)
    assert process.stdout is not None
    assert b"serves" in await process.stdout.readline()
    return started
