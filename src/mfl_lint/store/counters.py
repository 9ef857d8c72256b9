"""Counters: kept in the transaction of what they count, so that overviews count nothing.

A tag counts its own findings always. A repository counts those of its watched tags and its
own; a registry those of its watched repositories, and the same by rule and at the end of each
day. The column `unknown` counts unknown findings; the severities' columns count open ones.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    bindparam,
    func,
    or_,
    select,
    true,
    update,
)

from mfl_lint.core.truth import FindingState
from mfl_lint.store.columns import Id, Words
from mfl_lint.store.inserts import insert_into
from mfl_lint.store.prepared import Prepared
from mfl_lint.store.statements import chunks
from mfl_lint.store.tables import (
    day_counters,
    findings,
    registries,
    repositories,
    rule_counters,
    tags,
)

COLUMNS: Final = ("error", "warning", "info", "unknown")


def _adding(table: Table, names: Sequence[str]) -> Prepared:
    """Return what adds to counters of one row."""
    counted = {name: table.c[name] + bindparam(f"add_{name}") for name in names}
    return Prepared(update(table).where(table.c.id == bindparam("this")).values(counted))


_ADD_TO_TAG: Final = _adding(tags, COLUMNS)
_ADD_TO: Final = {one: _adding(one, ("tags", *COLUMNS)) for one in (registries, repositories)}


class Place(msgspec.Struct, frozen=True):
    """A repository, whether its registry counts it, and whether it is gone."""

    registry_id: int
    repository_id: int
    watched: bool
    gone: bool = False


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


def count_standing(
    connection: Connection,
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
            _count_where(connection, tally, sign, repository_id, findings.c.tag.in_(chunk))
        return
    counted = or_(findings.c.tag_id.is_(None), tags.c.watched.is_(true()))
    _count_where(connection, tally, sign, repository_id, counted)


def _count_where(
    connection: Connection,
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
    for rule, severity, state, number in connection.execute(query).all():
        tally.count(rule, column_of(severity, state), sign * number)


def write_tally(connection: Connection, place: Place, tally: Tally, at: datetime | None) -> None:
    """Add a tally to the counters; the registry's come last, to hold their lock shortly.

    `at` = None leaves the day's row as it is.
    """
    _add_to_tags(connection, tally.by_tag)
    _add_to(connection, repositories, place.repository_id, tally.total)
    if place.watched:
        add_to_registry(connection, place.registry_id, tally, at)


def _add_to(connection: Connection, table: Table, number: int, added: Counter[str]) -> None:
    """Add to the counters of a registry or a repository."""
    if any(added.values()):
        counted = {f"add_{name}": added[name] for name in ("tags", *COLUMNS)}
        _ADD_TO[table].run(connection, this=number, **counted)


def _add_to_tags(connection: Connection, by_tag: Mapping[int, Counter[str]]) -> None:
    rows = [
        {"this": tag_id, **{f"add_{name}": added[name] for name in COLUMNS}}
        for tag_id, added in by_tag.items()
        if any(added.values())
    ]
    if rows:
        _ADD_TO_TAG.run_each(connection, rows)


def add_to_registry(
    connection: Connection, registry_id: int, tally: Tally, at: datetime | None
) -> None:
    """Add to the counters of a registry, of its rules and of the day."""
    moved = any(tally.total.values()) or any(any(c.values()) for c in tally.by_rule.values())
    if not moved and not tally.opened and not tally.resolved:
        return
    _add_to(connection, registries, registry_id, tally.total)
    _add_to_rules(connection, registry_id, tally.by_rule)
    if at is not None:
        _write_day(connection, registry_id, tally, at)


def _add_to_rules(
    connection: Connection, registry_id: int, by_rule: Mapping[str, Counter[str]]
) -> None:
    rows: list[dict[str, Any]] = [
        {"registry_id": registry_id, "rule": rule, **{name: added[name] for name in COLUMNS}}
        for rule, added in sorted(by_rule.items())
        if any(added.values())
    ]
    if rows:
        _rules_statement(connection.dialect.name).run_each(connection, rows)


@lru_cache(maxsize=2)
def _rules_statement(dialect: str) -> Prepared:
    """Return what adds to the counters of a registry's rules."""
    names = ("registry_id", "rule", *COLUMNS)
    insert = insert_into(dialect, rule_counters).values({name: bindparam(name) for name in names})
    total = {name: rule_counters.c[name] + insert.excluded[name] for name in COLUMNS}
    statement = insert.on_conflict_do_update(index_elements=["registry_id", "rule"], set_=total)
    return Prepared(statement)


def _write_day(connection: Connection, registry_id: int, tally: Tally, at: datetime) -> None:
    """Make the day's row what stands in the registry now, and add what changed."""
    _day_statement(connection.dialect.name).run(
        connection,
        this=registry_id,
        today=at.astimezone(UTC).date().isoformat(),
        more_opened=tally.opened,
        more_resolved=tally.resolved,
    )


@lru_cache(maxsize=2)
def _day_statement(dialect: str) -> Prepared:
    """Return what copies a registry's counters into its row of a day."""
    standing = select(
        registries.c.id,
        bindparam("today", type_=Words),
        *(registries.c[name] for name in COLUMNS),
        bindparam("more_opened", type_=Id),
        bindparam("more_resolved", type_=Id),
    ).where(registries.c.id == bindparam("this"))
    changed = ("opened", "resolved")
    insert = insert_into(dialect, day_counters)
    insert = insert.from_select(["registry_id", "day", *COLUMNS, *changed], standing)
    written = {name: insert.excluded[name] for name in COLUMNS}
    added = {name: day_counters.c[name] + insert.excluded[name] for name in changed}
    statement = insert.on_conflict_do_update(
        index_elements=["registry_id", "day"], set_=written | added
    )
    return Prepared(statement)
