"""Counters: kept in the transaction of what they count, so that overviews count nothing.

A tag counts its own findings always. A repository counts those of its watched tags and its
own; a registry those of its watched repositories, and the same by rule and at the end of each
day. The column `unknown` counts unknown findings; the severities' columns count open ones.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, bindparam, func, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mfl_lint.core.truth import FindingState
from mfl_lint.store.statements import add_to, chunks, insert_into
from mfl_lint.store.tables import (
    day_counters,
    findings,
    registries,
    repositories,
    rule_counters,
    tags,
)

COLUMNS: Final = ("error", "warning", "info", "unknown")


class Place(msgspec.Struct, frozen=True):
    """A repository, and whether its registry counts it."""

    registry_id: int
    repository_id: int
    watched: bool


def column_of(severity: str, state: str) -> str | None:
    """Return the counter that such a finding is counted in, None if it does not stand."""
    if state == FindingState.RESOLVED:
        return None
    return "unknown" if state == FindingState.UNKNOWN else severity


class Tally:
    """What one transaction changes in the counters of one repository and what is above it."""

    def __init__(self) -> None:
        self.total: Counter[str] = Counter()
        self.by_tag: defaultdict[int, Counter[str]] = defaultdict(Counter)
        self.by_rule: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.opened = 0
        self.resolved = 0
        self.flips = 0

    def count(self, rule: str, column: str | None, number: int) -> None:
        """Count findings of a rule in the repository."""
        if column is not None:
            self.total[column] += number
            self.by_rule[rule][column] += number

    def count_in_tag(self, tag_id: int | None, column: str | None, number: int) -> None:
        """Count findings in their tag; the repository's own have none."""
        if tag_id is not None and column is not None:
            self.by_tag[tag_id][column] += number


async def count_standing(
    connection: AsyncConnection,
    tally: Tally,
    sign: int,
    repository_id: int,
    names: Sequence[str] | None,
) -> None:
    """Count the findings of tags that become watched (`sign` 1) or unwatched (-1).

    `names` = None means the whole repository: its own findings and those of watched tags.
    """
    if names is not None:
        for chunk in chunks(names):
            await _count_where(connection, tally, sign, repository_id, findings.c.tag.in_(chunk))
        return
    counted = or_(findings.c.tag_id.is_(None), tags.c.watched.is_(true()))
    await _count_where(connection, tally, sign, repository_id, counted)


async def _count_where(
    connection: AsyncConnection,
    tally: Tally,
    sign: int,
    repository_id: int,
    where: ColumnElement[bool],
) -> None:
    columns = (findings.c.rule, findings.c.severity, findings.c.state)
    query = (
        select(*columns, func.count())
        .select_from(findings.outerjoin(tags, tags.c.id == findings.c.tag_id))
        .where(findings.c.repository_id == repository_id, where)
        .group_by(*columns)
    )
    for rule, severity, state, number in (await connection.execute(query)).all():
        tally.count(rule, column_of(severity, state), sign * number)


async def write_tally(
    connection: AsyncConnection, place: Place, tally: Tally, at: datetime | None
) -> None:
    """Add a tally to the counters; the registry's come last, to hold their lock shortly.

    `at` = None leaves the day's row as it is.
    """
    await _add_to_tags(connection, tally.by_tag)
    await add_to(connection, repositories, repositories.c.id == place.repository_id, tally.total)
    if place.watched:
        await add_to_registry(connection, place.registry_id, tally, at)


async def _add_to_tags(connection: AsyncConnection, by_tag: Mapping[int, Counter[str]]) -> None:
    rows = [
        {"this": tag_id, **{f"add_{name}": added[name] for name in COLUMNS}}
        for tag_id, added in by_tag.items()
        if any(added.values())
    ]
    if rows:
        added = {name: tags.c[name] + bindparam(f"add_{name}") for name in COLUMNS}
        where = tags.c.id == bindparam("this")
        await connection.execute(update(tags).where(where).values(added), rows)


async def add_to_registry(
    connection: AsyncConnection, registry_id: int, tally: Tally, at: datetime | None
) -> None:
    """Add to the counters of a registry, of its rules and of the day."""
    moved = any(tally.total.values()) or any(any(c.values()) for c in tally.by_rule.values())
    if not moved and not tally.opened and not tally.resolved:
        return
    await add_to(connection, registries, registries.c.id == registry_id, tally.total)
    await _add_to_rules(connection, registry_id, tally.by_rule)
    if at is not None:
        await _write_day(connection, registry_id, tally, at)


async def _add_to_rules(
    connection: AsyncConnection, registry_id: int, by_rule: Mapping[str, Counter[str]]
) -> None:
    rows: list[dict[str, Any]] = [
        {"registry_id": registry_id, "rule": rule, **{name: added[name] for name in COLUMNS}}
        for rule, added in sorted(by_rule.items())
        if any(added.values())
    ]
    if not rows:
        return
    insert = insert_into(connection, rule_counters)
    total = {name: rule_counters.c[name] + insert.excluded[name] for name in COLUMNS}
    await connection.execute(
        insert.on_conflict_do_update(index_elements=["registry_id", "rule"], set_=total), rows
    )


async def _write_day(
    connection: AsyncConnection, registry_id: int, tally: Tally, at: datetime
) -> None:
    """Make the day's row what stands in the registry now, and add what changed."""
    columns = [registries.c[name] for name in COLUMNS]
    standing = (
        await connection.execute(select(*columns).where(registries.c.id == registry_id))
    ).one()
    row = dict(zip(COLUMNS, standing, strict=True))
    insert = insert_into(connection, day_counters).values(
        registry_id=registry_id,
        day=at.astimezone(UTC).date().isoformat(),
        opened=tally.opened,
        resolved=tally.resolved,
        **row,
    )
    added = {name: day_counters.c[name] + insert.excluded[name] for name in ("opened", "resolved")}
    await connection.execute(
        insert.on_conflict_do_update(index_elements=["registry_id", "day"], set_=row | added)
    )
