"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import sqlite3
from importlib.metadata import version
from pathlib import Path


def description() -> str:
    """Return processor, cores, memory and versions, one a line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in ("aiohttp", "sqlalchemy"))
    return "\n".join(
        (
            f"processor  {_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB of memory",
            f"system     {platform.system()} {platform.release().partition('-')[0]}",
            f"python     {platform.python_version()}, {packages}, sqlite {sqlite3.sqlite_version}",
        )
    )


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def load() -> str:
    """Return how busy the machine is with anything at all, now."""
    return f"{os.getloadavg()[0]:.1f}"
