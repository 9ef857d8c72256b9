"""Pushes in the database. Apart from the journal, so that whoever needs no database loads none."""

from __future__ import annotations

import json

from mfl_lint.core.pushes import PushRecord
from mfl_lint.mend.audits import detail_of, told
from mfl_lint.mend.outcome import Outcome
from mfl_lint.mend.push import Intent
from mfl_lint.store.engine import Store
from mfl_lint.store.pushes import begin_push, end_push


class StoreAudit:
    """Pushes in the database."""

    def __init__(self, store: Store, who: str) -> None:
        self._store = store
        self._who = who
        self._id = 0

    async def begin(self, intent: Intent) -> None:
        """Write a row."""
        target = intent.plan.target
        record = PushRecord(
            intent.at,
            self._who,
            intent.registry,
            target.repository,
            target.tag or "",
            intent.before.get(target.tag or ""),
            json.dumps(told(intent)),
        )
        self._id = await begin_push(self._store, record)

    async def end(self, outcome: Outcome) -> None:
        """Complete the row."""
        detail = detail_of(outcome)
        await end_push(self._store, self._id, outcome.last.end, outcome.tags[0].now, detail)
