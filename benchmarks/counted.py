"""Counting again what the counters say."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, func, select

from mfl_lint.core.truth import FindingState
from mfl_lint.store import tables
from mfl_lint.store.counters import COLUMNS, column_of


class Filled(NamedTuple):
    """How much there is."""

    repositories: int
    tags: int
    entries: int
    findings: int
    standing: int


def check_counters(connection: Connection) -> None:
    """Raise RuntimeError unless the counters are what counting the rows gives."""
    for table, key in (
        (tables.tags, tables.findings.c.tag_id),
        (tables.repositories, tables.findings.c.repository_id),
        (tables.registries, tables.findings.c.registry_id),
    ):
        counted = _counted(connection, key)
        for row in connection.execute(select(table.c.id, *(table.c[name] for name in COLUMNS))):
            if tuple(row[1:]) != counted.pop(row.id, (0, 0, 0, 0)):
                raise RuntimeError(f"{table.name} {row.id}: the counters are wrong")
    rules = _counted(connection, tables.findings.c.rule)
    kept = tables.rule_counters
    for row in connection.execute(select(kept.c.rule, *(kept.c[name] for name in COLUMNS))):
        if tuple(row[1:]) != rules.pop(row.rule, (0, 0, 0, 0)):
            raise RuntimeError(f"rule {row.rule}: the counters are wrong")
    if any(any(left) for left in rules.values()):
        raise RuntimeError("a rule is not counted")


def _counted(connection: Connection, key: Any) -> dict[Any, tuple[int, ...]]:
    """Return the counters as counting gives them, by `key`."""
    found = tables.findings
    query = select(key, found.c.severity, found.c.state, func.count())
    tally: dict[Any, Counter[str]] = {}
    for one, severity, state, number in connection.execute(
        query.group_by(key, found.c.severity, found.c.state)
    ):
        column = column_of(severity, state)
        if column is not None:
            tally.setdefault(one, Counter())[column] += number
    return {one: tuple(counts[name] for name in COLUMNS) for one, counts in tally.items()}


def measured(connection: Connection) -> Filled:
    """Return how much there is."""

    def count(table: Table, *where: Any) -> int:
        return int(connection.scalar(select(func.count()).select_from(table).where(*where)) or 0)

    stands = tables.findings.c.state != FindingState.RESOLVED.value
    return Filled(
        repositories=count(tables.repositories),
        tags=count(tables.tags),
        entries=count(tables.entries),
        findings=count(tables.findings),
        standing=count(tables.findings, stands),
    )
