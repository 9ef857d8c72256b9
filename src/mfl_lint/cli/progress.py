"""A progress line on the standard error: only for people, and only if they have to wait."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from mfl_lint.report.inert import inert

PATIENCE_S: Final = 1.0
_MAX_NAME: Final = 60


@asynccontextmanager
async def progress_line(*, quiet: bool) -> AsyncIterator[Callable[[str], None]]:
    """Yield a function that takes what is being done; the line is gone at the end."""
    if quiet or not sys.stderr.isatty():
        yield lambda text: None
        return
    from rich.console import Console

    status = Console(stderr=True, highlight=False, markup=False).status("looking")
    showing = asyncio.get_running_loop().call_later(PATIENCE_S, status.start)
    try:
        yield lambda text: status.update(inert(text)[: _MAX_NAME + 20])
    finally:
        showing.cancel()
        status.stop()
