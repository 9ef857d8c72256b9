"""Who holds a lease: one process, and whether it is known to have ended."""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path
from typing import Final

_PROCESSES: Final = Path("/proc")


def new_holder() -> str:
    """Return a name for a holder in this process: machine, process, its start, and chance."""
    pid = os.getpid()
    return f"{socket.gethostname()}/{pid}/{_started(pid)}/{secrets.token_hex(4)}"


def has_ended(holder: str) -> bool:
    """Say whether the holder's process ran on this machine and is there no more.

    False when in doubt: such a lease is left to expire. A mistake does no harm beyond a look
    that is taken twice, because every write checks the lease's fence.
    """
    host, _, rest = holder.partition("/")
    pid, _, rest = rest.partition("/")
    if host != socket.gethostname() or not (pid.isascii() and pid.isdigit()):
        return False
    return _started(int(pid)) != rest.partition("/")[0]


def _started(pid: int) -> str:
    """Return what tells the process from a later one of its number, "" where there is none."""
    if not (_PROCESSES / "self").exists():
        return _answers(pid)
    try:
        text = (_PROCESSES / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return ""
    state, *fields = text.rpartition(")")[2].split()
    return "" if state in ("Z", "X") else fields[18]


def _answers(pid: int) -> str:
    """Return "-" for a process that is there, on systems that say no more of it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except (OSError, OverflowError):
        return "-"
    return "-"
