"""Looks that were asked for and that no job waits to make: their jobs are to be enqueued."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import bindparam, text

from mfl_lint.store.columns import Time
from mfl_lint.store.engine import Store
from mfl_lint.store.looks import HOT, PATIENT
from mfl_lint.store.queue import LOOK
from mfl_lint.store.queue_tables import JOBS
from mfl_lint.store.statements import all_rows

LOOK_ONCE: Final = "look/{}/{}"
# What people and webhooks ask for first, then what is hot, then what is looked at again.
_DUE: Final = text(f"""
    SELECT registry, repository, array_agg(DISTINCT reason) AS reasons FROM look_requests
    WHERE (state = 'pending' OR taken_at <= :before)
    AND NOT (reason IN :patient AND requested_at > :before) AND registry IN :registries
    AND NOT EXISTS (SELECT 1 FROM {JOBS} WHERE status = 'todo'
        AND queueing_lock = 'look/' || registry || '/' || repository)
    GROUP BY registry, repository
    ORDER BY min(CASE WHEN reason IN :patient THEN 2 WHEN reason = :hot THEN 1 ELSE 0 END), min(id)
    LIMIT GREATEST(0, :most - (
        SELECT count(*) FROM {JOBS} WHERE status = 'todo' AND task_name = '{LOOK}'
    ))
""").bindparams(  # noqa: S608  # no value in it
    bindparam("before", type_=Time),
    bindparam("patient", list(PATIENT), expanding=True),
    bindparam("hot", HOT),
    bindparam("registries", expanding=True),
)


class DuePlace(NamedTuple):
    """A repository to look at, and all reasons why."""

    registry: str
    repository: str
    reasons: tuple[str, ...]


async def due_places(
    store: Store, now: datetime, *, patience_s: float, registries: Collection[str], most: int
) -> tuple[DuePlace, ...]:
    """Return repositories that looks were asked for of, and that no job waits to look at.

    Nobody is at them: they are new, or were taken `patience_s` ago. What is looked at again is
    left out until it is as old. With what waits in the queue already they are `most` of all.
    """
    before = now - timedelta(seconds=patience_s)
    about = {"before": before, "registries": list(registries), "most": most}
    rows = await store.read(all_rows, _DUE, about)
    return tuple(DuePlace(row.registry, row.repository, tuple(row.reasons)) for row in rows)
