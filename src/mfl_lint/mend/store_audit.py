"""Pushes in the database. Apart from the journal, so that whoever needs no database loads none."""

from __future__ import annotations

import json
from collections.abc import Iterator

from mfl_lint.core.pushes import LEFT_OUT, PushEnd, PushRecord
from mfl_lint.mend.audits import MAX_DETAIL, told
from mfl_lint.mend.intent import Intent
from mfl_lint.mend.outcome import End, Outcome, TagEnd
from mfl_lint.store.engine import Store
from mfl_lint.store.pushes import begin_push, end_push


class StoreAudit:
    """Pushes in the database: a row for each tag, with what it was and what became of it."""

    def __init__(self, store: Store, who: str) -> None:
        self._store = store
        self._who = who
        self._rows: dict[str, int] = {}

    async def begin(self, intent: Intent) -> None:
        """Write the rows."""
        plan = json.dumps(told(intent))
        tags = dict.fromkeys(reference.tag or "" for reference in intent.plan.references())
        repository = intent.plan.target.repository
        records = (
            PushRecord(
                intent.at, self._who, intent.registry, repository, tag, intent.before.get(tag), plan
            )
            for tag in tags
        )
        self._rows = dict(zip(tags, await begin_push(self._store, *records), strict=True))

    async def end(self, outcome: Outcome) -> None:
        """Complete each row with its own tag's end."""
        await end_push(self._store, *self._ends(outcome))

    def _ends(self, outcome: Outcome) -> Iterator[PushEnd]:
        left = dict(self._rows)
        for tag in outcome.tags:
            row = left.pop(tag.reference.tag or "", None)
            if row is not None:
                # What was seen before it may have arrived says nothing of how it ended.
                after = None if tag.end is End.UNKNOWN else tag.now
                yield PushEnd(row, tag.end, after, _problem(tag)[:MAX_DETAIL])
        for row in left.values():
            yield PushEnd(row, LEFT_OUT, None, f"{outcome.last.reference.tag} failed before it")


def _problem(tag: TagEnd) -> str:
    """Return what there is to know of an end besides its digests."""
    if tag.between is None:
        return tag.detail
    said = f"over {tag.between}, which somebody pushed meanwhile; to put that back"
    if tag.end is End.UNKNOWN:
        said = f"when last seen it was {tag.between}; if this came later, to put that back"
    return "; ".join(filter(None, (tag.detail, f"{said}: {tag.restore}")))
