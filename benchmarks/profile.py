"""Where the processor's time of a cold crawl goes, by samples of what is being run.

    python -m benchmarks.profile [--repositories N]

A crawl by one process alone, of the registry that answers from memory, is stopped every
few milliseconds of its own processor time, and looked at: each sample belongs to the innermost
module that is named below. Sampling adds next to nothing to what is measured, unlike tracing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any, Final

from benchmarks.images import PLATFORMS
from benchmarks.machine import description
from benchmarks.measure import measure_crawl
from benchmarks.processes import fast_registry

_ROOT: Final = Path(__file__).resolve().parent.parent
_EVERY_S: Final = 0.001
_SHOWN: Final = 12
# The first whose text is in the path of a frame's file says what a sample belongs to.
_PARTS: Final = (
    ("hashing", ("core/digest", "registry/verified", "hashlib")),
    (
        "parsing",
        (
            "core/parse",
            "core/regular",
            "core/config_document",
            "core/json_text",
            "core/validate",
            "core/descriptor",
            "core/kind",
            "core/platform",
            "core/manifest",
        ),
    ),
    ("rules", ("mfl_lint/rules/", "mfl_lint/lint", "core/cases", "core/truth", "engines/")),
    ("SQL", ("mfl_lint/store/", "sqlalchemy", "sqlite3")),
    ("HTTP", ("aiohttp", "yarl", "multidict", "registry/transport", "registry/body", "/asyncio/s")),
    ("looking", ("mfl_lint/registry/", "mfl_lint/crawl/", "mfl_lint/")),
)
_ELSE: Final = "the event loop"


def part_of(frame: FrameType | None) -> tuple[str, str]:
    """Return the part that a sample belongs to, and the function that it is in."""
    inner = frame
    while frame is not None:
        code = frame.f_code
        for part, texts in _PARTS:
            if any(text in code.co_filename for text in texts):
                return part, f"{_short(code.co_filename)}:{code.co_name}"
        frame = frame.f_back
    name = f"{_short(inner.f_code.co_filename)}:{inner.f_code.co_name}" if inner else ""
    return _ELSE, name


def _short(path: str) -> str:
    return "/".join(Path(path).with_suffix("").parts[-2:])


async def _sampled(host: str, database: str) -> dict[str, Any]:
    parts: Counter[str] = Counter()
    functions: Counter[str] = Counter()

    def look(_: int, frame: FrameType | None) -> None:
        part, function = part_of(frame)
        parts[part] += 1
        functions[f"{part}: {function}"] += 1

    signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, _EVERY_S, _EVERY_S)
    figures = await measure_crawl(host, database)
    signal.setitimer(signal.ITIMER_PROF, 0)
    return figures | {"parts": parts.most_common(), "functions": functions.most_common(_SHOWN)}


def _measured(repositories: int) -> dict[str, Any]:
    with fast_registry(repositories) as host, tempfile.TemporaryDirectory() as folder:
        # On one processor a crawl asks no other process for help.
        alone = {min(os.sched_getaffinity(0))}
        command = [sys.executable, "-m", "benchmarks.profile", "--sample", host, f"{folder}/b.db"]
        done = subprocess.run(
            command,
            cwd=_ROOT,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            preexec_fn=lambda: os.sched_setaffinity(0, alone),
        )
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repositories", type=int, default=200)
    parser.add_argument("--sample", nargs=2, metavar=("HOST", "DATABASE"), help="one crawl")
    given = parser.parse_args()
    if given.sample:
        print(json.dumps(asyncio.run(_sampled(*given.sample))))
        return
    figures = _measured(given.repositories)
    samples = sum(count for _, count in figures["parts"])
    asked = figures["tags"] * (2 * len(PLATFORMS) + 2)
    each = figures["cpu_s"] / asked * 1e6
    print(description())
    print(f"size       {figures['tags']} tags, {asked} requests, one process; {samples} samples")
    print(f"\n{'':40}{'share':>7}  microseconds a request")
    print(f"{'all':40}{1:7.1%}{each:8.0f}")
    for part, count in figures["parts"]:
        print(f"{part:40}{count / samples:7.1%}{each * count / samples:8.0f}")
    print()
    for function, count in figures["functions"]:
        print(f"{function:60}{count / samples:7.1%}")


if __name__ == "__main__":
    main()
