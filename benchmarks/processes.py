"""The processes of a benchmark: the registry, and one for each thing that is measured."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

_ROOT: Final = Path(__file__).resolve().parent.parent


class Figures(NamedTuple):
    """What one process measured of itself, and the requests that the registry counted."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    findings: int
    requests: dict[str, int]

    def asked(self, *kinds: str) -> int:
        """Return how many requests were of the kinds, `HEAD manifests` and the like."""
        return sum(self.requests.get(kind, 0) for kind in kinds)


@contextmanager
def fast_registry(repositories: int, module: str = "fast_registry") -> Iterator[str]:
    """Yield the `host:port` of a registry in a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-m", f"benchmarks.{module}", str(repositories)],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        host = process.stdout.readline().strip()
        if not host:
            raise RuntimeError("the registry did not start")
        try:
            yield host
        finally:
            process.stdin.close()


def take_stats(host: str) -> dict[str, int]:
    """Return the registry's counts and set them to nothing."""
    request = urllib.request.Request(f"http://{host}/stats", method="POST")
    with urllib.request.urlopen(request) as answer:
        counted: dict[str, int] = json.load(answer)
    return counted


def measure(what: str, host: str, database: Path | None = None) -> Figures:
    """Return the figures of `bare`, `scan` or `crawl`, each in a fresh process."""
    take_stats(host)
    command = [sys.executable, "-m", "benchmarks.measure", what, host]
    if database is not None:
        command.append(str(database))
    done = subprocess.run(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True, check=True)
    said = json.loads(done.stdout)
    return Figures(
        wall_s=said["wall_s"],
        cpu_s=said["cpu_s"],
        peak_mib=said["peak_mib"],
        findings=said.get("findings", 0),
        requests=take_stats(host),
    )
