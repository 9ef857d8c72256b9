"""The tables, as this release has them. A change here ships its migration.

Every time is a `Time`, every text that somebody else chose is `Words`. The columns error,
warning, info and unknown are counters: open findings by severity, and unknown ones. A
finding's weight is greater the worse it is.
"""

from __future__ import annotations

from typing import Final

from mfl_lint.store.alert_tables import (
    acknowledgements,
    alert_groups,
    alert_marks,
    alert_waiting,
    messages,
    outbox,
    silences,
)
from mfl_lint.store.finding_tables import (
    day_counters,
    findings,
    ignores,
    leases,
    look_requests,
    push_audit,
    rule_counters,
    transitions,
)
from mfl_lint.store.people_tables import api_tokens, audit, sessions, users
from mfl_lint.store.place_tables import (
    chores,
    crawls,
    documents,
    entries,
    layers,
    orphans,
    presence,
    registries,
    repositories,
    slices,
    tag_history,
    tags,
)
from mfl_lint.store.schema import metadata

__all__ = [
    "SCHEMA",
    "acknowledgements",
    "alert_groups",
    "alert_marks",
    "alert_waiting",
    "api_tokens",
    "audit",
    "chores",
    "crawls",
    "day_counters",
    "documents",
    "entries",
    "findings",
    "ignores",
    "layers",
    "leases",
    "look_requests",
    "messages",
    "metadata",
    "orphans",
    "outbox",
    "presence",
    "push_audit",
    "registries",
    "repositories",
    "rule_counters",
    "sessions",
    "silences",
    "slices",
    "tag_history",
    "tags",
    "transitions",
    "users",
]

SCHEMA: Final = "0009"
