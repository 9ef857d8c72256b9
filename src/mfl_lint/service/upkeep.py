"""What the service does for its own database once a day."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

from mfl_lint.config_retention import RetentionConfig
from mfl_lint.core.errors import MflLintError
from mfl_lint.store.engine import Store
from mfl_lint.store.retention import last_retained, retain
from mfl_lint.store.sizes import give_back

CHECKED_EVERY_S: Final = 3600.0
_RETAINED_EVERY: Final = timedelta(days=1)
_LOG: Final = logging.getLogger("mfl_lint")


async def keep_within(store: Store, settings: RetentionConfig, now: datetime) -> None:
    """Remove what the settings do not keep, and log what that was, where that was not done lately.

    A failure ends nothing else.
    """
    try:
        last = await last_retained(store)
        if last is not None and now - _RETAINED_EVERY < last <= now:
            return
        removed = await retain(store, settings, now)
        await give_back(store)
    except MflLintError as error:
        _LOG.error("what is over stays for now: %s", error)
        return
    told = ", ".join(f"{number} {name}" for name, number in removed.items() if number)
    _LOG.info("retention removed %s", told or "nothing")
