"""A database that is away: said once when it goes, once when it is back, and asked less often."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from mfl_lint.core.errors import MflLintError
from mfl_lint.store.addresses import one_line

_LOG: Final = logging.getLogger("mfl_lint")
_LONGEST_S: Final = 8.0


class Outage:
    """What of one process fails for now; each part of it by its name."""

    def __init__(self) -> None:
        self._failing: dict[str, int] = {}

    def worked(self, part: str) -> None:
        """Note that a part got what it asked for."""
        if self._failing.pop(part, 0) and not self._failing:
            _LOG.warning("the database answers again")

    async def failed(self, part: str, error: Exception, every_s: float) -> None:
        """Note that a part did not, and wait until it is to ask again: longer each time."""
        if not self._failing:
            said = error if isinstance(error, MflLintError) else one_line(error.__cause__ or error)
            _LOG.error("the database is asked again until it answers (%s): %s", part, said)
        times = self._failing[part] = self._failing.get(part, 0) + 1
        await asyncio.sleep(max(every_s, min(every_s * 2 ** min(times - 1, 10), _LONGEST_S)))
