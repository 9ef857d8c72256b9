"""What ignores take away from the counters, which know of none.

Ignores are the configuration's, and act when findings are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Label,
    Select,
    and_,
    bindparam,
    case,
    false,
    func,
    or_,
    select,
    true,
)

from mfl_lint.core.policy import Ignore, glob_matches
from mfl_lint.core.truth import FindingState
from mfl_lint.core.views import BrokenTag, Counts, Told
from mfl_lint.store.counters import COLUMNS
from mfl_lint.store.engine import Store
from mfl_lint.store.prepared import Prepared, among
from mfl_lint.store.statements import Sighted, matches, visible
from mfl_lint.store.tables import findings, registries, repositories, rule_counters, tags
from mfl_lint.store.view_findings import STANDS, worst_tags

Sees = frozenset[str] | None

# So many tags are counted beyond those that are shown: a page never counts a million.
MORE: Final = 100
_FAULTS: Final = 3
_UNKNOWN: Final = findings.c.state == FindingState.UNKNOWN.value
_OWN_OR_WATCHED: Final = or_(findings.c.tag_id.is_(None), tags.c.watched.is_(true()))


async def ignored_by_registry(store: Store, ignores: Sequence[Ignore]) -> dict[str, Counts]:
    """Return how many of the findings that each registry counts are ignored."""
    return await store.read(_by_registry, ignores, store.sees) if ignores else {}


async def ignored_by_rule(store: Store, ignores: Sequence[Ignore]) -> dict[str, Counts]:
    """Return how many of the findings that each rule counts are ignored, of what is watched."""
    return await store.read(_by_rule, ignores, store.sees) if ignores else {}


async def ignored_by_repository(
    store: Store, ignores: Sequence[Ignore], registry: str, names: Sequence[str]
) -> dict[str, Counts]:
    """Return how many of the findings that each named repository counts are ignored."""
    return await store.read(_by_repository, ignores, registry, names, store.sees) if ignores else {}


async def broken_tags_counted(
    store: Store, ignores: Sequence[Ignore], limit: int
) -> tuple[BrokenTag, ...]:
    """Return the watched tags with findings that stand and are not ignored, the worst first."""
    return (await store.read(_broken, ignores, limit, limit, store.sees))[0]


async def worst_tags_counted(
    store: Store, ignores: Sequence[Ignore], limit: int
) -> tuple[tuple[BrokenTag, ...], int]:
    """Return the first of those tags, and how many more there are: as many as `MORE` at most."""
    return await store.read(_broken, ignores, limit, limit + MORE, store.sees)


def ignored_in_repository(
    dialect: str, ignores: Sequence[Ignore], registry: Any, repository: Any
) -> Select[Any]:
    """Return the query of how many findings of each tag (`key`, its id) are ignored."""
    query = _taken(dialect, ignores, findings.c.tag_id)
    return query.where(registries.c.name == registry, repositories.c.name == repository)


def _by_registry(
    connection: Connection, ignores: Sequence[Ignore], sees: Sees
) -> dict[str, Counts]:
    query = visible(sees, _ignored(connection, ignores, registries.c.name))
    query = query.where(repositories.c.watched.is_(true()), _OWN_OR_WATCHED)
    return _counts_by_key(connection, query)


def _by_rule(connection: Connection, ignores: Sequence[Ignore], sees: Sees) -> dict[str, Counts]:
    query = visible(sees, _ignored(connection, ignores, findings.c.rule))
    watched = (registries.c.watched.is_(true()), repositories.c.watched.is_(true()))
    return _counts_by_key(connection, query.where(*watched, _OWN_OR_WATCHED))


def _by_repository(
    connection: Connection,
    ignores: Sequence[Ignore],
    registry: str,
    names: Sequence[str],
    sees: Sees,
) -> dict[str, Counts]:
    query = visible(sees, _ignored(connection, ignores, repositories.c.name))
    chosen = (registries.c.name == registry, repositories.c.name.in_(names))
    return _counts_by_key(connection, query.where(*chosen, _OWN_OR_WATCHED))


def _broken(
    connection: Connection, ignores: Sequence[Ignore], limit: int, counted: int, sees: Sees
) -> tuple[tuple[BrokenTag, ...], int]:
    found = _worst(connection, ignores, counted, sees)
    rows = found[:limit]
    ids = [row.id for row in rows]
    since, faults = _standing_since(connection, ids, ignores), _faults(connection, ids, ignores)
    broken = tuple(
        BrokenTag(
            row.registry,
            row.repository,
            row.name,
            _counts(row),
            since.get(row.id),
            faults.get(row.id, ()),
        )
        for row in rows
    )
    return broken, len(found) - len(rows)


_WORST: Final = Sighted(
    worst_tags({name: tags.c[name] for name in COLUMNS}).limit(bindparam("most", type_=Integer))
)


def _worst(connection: Connection, ignores: Sequence[Ignore], limit: int, sees: Sees) -> list[Any]:
    """Return the worst tags without what is ignored.

    Those with nothing ignored are read in the order of an index; the others are counted, and
    are as many as there are ignored findings at most.
    """
    if not ignores:
        return sorted(_WORST.rows(connection, sees, most=limit), key=_badness)
    whole = worst_tags({name: tags.c[name] for name in COLUMNS}).limit(limit)
    taken = _ignored(connection, ignores, findings.c.tag_id).subquery()
    key = taken.c.key
    untouched = whole.where(tags.c.id.not_in(select(key).where(key.is_not(None))))
    left = {name: tags.c[name] - taken.c[name] for name in COLUMNS}
    touched = worst_tags(left).join(taken, key == tags.c.id).limit(limit)
    touched = touched.where(or_(*(column > 0 for column in left.values())))
    rows = [*connection.execute(visible(sees, untouched))]
    return sorted([*rows, *connection.execute(visible(sees, touched))], key=_badness)[:limit]


def _badness(row: Any) -> tuple[int | str, ...]:
    worst = (-row.error, -row.warning, -row.unknown, -row.info)
    return *worst, row.registry, row.repository, row.name


@lru_cache(maxsize=16)
def _since(dialect: str, ignores: tuple[Ignore, ...]) -> Prepared:
    """Return what reads when the oldest open finding of each tag was first seen."""
    oldest = func.min(findings.c.first_seen_at).label("at")
    return Prepared(
        _findings(findings.c.tag_id.label("key"), oldest)
        .where(among(findings.c.tag_id, "ids"), ~_covered(dialect, ignores))
        .where(findings.c.state == FindingState.OPEN.value)
        .group_by(findings.c.tag_id)
    )


@lru_cache(maxsize=16)
def _worst_of(dialect: str, ignores: tuple[Ignore, ...]) -> Prepared:
    """Return what reads the worst findings of each tag."""
    told = (findings.c.tag_id, findings.c.rule, findings.c.slug, findings.c.platform)
    worst = func.row_number().over(
        partition_by=findings.c.tag_id, order_by=(findings.c.weight.desc(), findings.c.id)
    )
    numbered = (
        _findings(*told, worst.label("number"))
        .where(among(findings.c.tag_id, "ids"), ~_covered(dialect, ignores), STANDS)
        .subquery()
    )
    query = select(numbered).where(numbered.c.number <= _FAULTS)
    return Prepared(query.order_by(numbered.c.tag_id, numbered.c.number))


def _standing_since(
    connection: Connection, ids: Sequence[int], ignores: Sequence[Ignore]
) -> dict[int, datetime]:
    query = _since(connection.dialect.name, tuple(ignores))
    return {row.key: row.at for row in query.rows(connection, ids=ids)}


def _faults(
    connection: Connection, ids: Sequence[int], ignores: Sequence[Ignore]
) -> dict[int, tuple[Told, ...]]:
    query = _worst_of(connection.dialect.name, tuple(ignores))
    found: dict[int, tuple[Told, ...]] = {}
    for row in query.rows(connection, ids=ids):
        one = Told(row.rule, row.slug, row.platform)
        found[row.tag_id] = (*found.get(row.tag_id, ()), one)
    return found


def _ignored(connection: Connection, ignores: Sequence[Ignore], key: Any) -> Select[Any]:
    """Return the query of how many findings that stand are ignored, grouped by `key`."""
    # So that the index of rules is used.
    named = findings.c.rule.in_(_rules(connection, ignores))
    return _taken(connection.dialect.name, ignores, key).where(named)


def _taken(dialect: str, ignores: Sequence[Ignore], key: Any) -> Select[Any]:
    query = _findings(key.label("key"), *_sums()).where(STANDS, _covered(dialect, ignores))
    return query.group_by(key)


def _rules(connection: Connection, ignores: Sequence[Ignore]) -> list[str]:
    """Return the rules that the ignores name, of those that ever found something."""
    known = connection.scalars(select(rule_counters.c.rule).distinct()).all()
    return [rule for rule in known if any(glob_matches(one.rule, rule) for one in ignores)]


def _findings(*columns: Any) -> Select[Any]:
    """Return the query of findings in their places."""
    return (
        select(*columns)
        .select_from(findings)
        .join(repositories, repositories.c.id == findings.c.repository_id)
        .join(registries, registries.c.id == findings.c.registry_id)
        .outerjoin(tags, tags.c.id == findings.c.tag_id)
    )


def _covered(dialect: str, ignores: Sequence[Ignore]) -> ColumnElement[bool]:
    """Return the condition that one of the ignores covers a finding.

    A CASE, since SQLite bounds how deep ORs may be nested, and that is how it reads a chain.
    """
    if not ignores:
        return false()
    places = (
        (findings.c.rule, "rule"),
        (registries.c.name, "registry"),
        (repositories.c.name, "repository"),
        (findings.c.tag, "tag"),
    )
    cases = (
        and_(
            true(),
            *(
                matches(dialect, column, getattr(ignore, name))
                for column, name in places
                if getattr(ignore, name) != "*"
            ),
        )
        for ignore in ignores
    )
    return case(*((one, 1) for one in cases), else_=0) == 1


def _sums() -> tuple[Label[int], ...]:
    """Return the sums that count findings as the counters do."""
    counted = {
        name: _UNKNOWN if name == "unknown" else ~_UNKNOWN & (findings.c.severity == name)
        for name in COLUMNS
    }
    return tuple(func.sum(case((which, 1), else_=0)).label(name) for name, which in counted.items())


def _counts_by_key(connection: Connection, query: Select[Any]) -> dict[str, Counts]:
    return {row.key: _counts(row) for row in connection.execute(query)}


def _counts(row: Any) -> Counts:
    return Counts(*(int(getattr(row, name)) for name in COLUMNS))
