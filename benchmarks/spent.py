"""What processes took: memory at most, and processor seconds. Linux says it in /proc."""

from __future__ import annotations

import os
import re
import resource
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_HIGHEST: Final = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)
_TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")
# utime, stime, and both of the children that were waited for: after the name, from "state" on.
_TIMES: Final = slice(11, 15)


def peak_mib() -> float:
    """Return the most memory that this program ever had, in MiB.

    `ru_maxrss`, which stands in where there is no /proc, is no less than what whoever started
    this process had.
    """
    found = _highest_mib(os.getpid())
    if found is None:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
    return found


def helpers_peak_mib() -> float:
    """Return the most memory that one of the processes had which this one has started, if any."""
    return max(((_highest_mib(pid) or 0.0) for pid in children(os.getpid())), default=0.0)


def _highest_mib(pid: int) -> float | None:
    found = _HIGHEST.search(_said(_PROC / str(pid) / "status"))
    return int(found[1]) / 1024 if found is not None else None


def children(pid: int) -> tuple[int, ...]:
    """Return the processes that one has started and that have not ended."""
    threads = (_PROC / str(pid) / "task").glob("*/children")
    return tuple(int(child) for thread in threads for child in _said(thread).split())


def name_of(pid: int) -> str:
    """Return the name of a process's program, "" where it has ended."""
    return _said(_PROC / str(pid) / "comm").strip()


def cpu_s(pids: Iterable[int]) -> float:
    """Return the processor seconds of processes and of whatever they have started."""
    return sum(_cpu_s(pid) + cpu_s(children(pid)) for pid in pids)


def _cpu_s(pid: int) -> float:
    fields = _said(_PROC / str(pid) / "stat").rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[_TIMES]) * _TICK_S


def _said(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:  # it has ended, or this is not Linux
        return ""
