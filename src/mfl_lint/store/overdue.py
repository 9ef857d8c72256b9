"""What may go, table by table: queries of rows that are over for longer than the settings say.

What stands is in none of them: findings that are open or unknown with their last change, what each
tag pointed at last, running crawls and the one that made a registry known.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Select,
    Table,
    and_,
    exists,
    false,
    literal,
    or_,
    select,
    type_coerce,
)

from mfl_lint.config_retention import RetentionConfig
from mfl_lint.core.messages import MessageState
from mfl_lint.core.records import CrawlStatus
from mfl_lint.core.truth import FindingState
from mfl_lint.store import tables
from mfl_lint.store.history import MOST

# A crawl looks back at so many before it; pages show the last ones.
CRAWLS_KEPT: Final = 100
_SLICES_KEPT: Final = timedelta(days=1)
_RESOLVED: Final = FindingState.RESOLVED.value


class Step(NamedTuple):
    """Rows of one table that may go: `found` has its key and `registry_id`, if it is of one.

    `order` is in whose order they are found. `but` must hold still when they are removed. `told`:
    they have a `fingerprint`, and those of which somebody is still to be told stay.
    """

    name: str
    table: Table
    found: Select[Any]
    order: tuple[ColumnElement[Any], ...]
    but: ColumnElement[bool] | None = None
    told: bool = False


def steps(settings: RetentionConfig, now: datetime) -> Iterator[Step]:
    """Yield what there is to remove; a setting of 0 keeps for ever."""

    def before(kept_s: float) -> datetime:
        return now - timedelta(seconds=kept_s)

    yield _slices(now - _SLICES_KEPT)
    if settings.crawls_s:
        yield _crawls(before(settings.crawls_s))
    if settings.history_s:
        yield _history(before(settings.history_s))
    if settings.dead_letters_s:
        yield _dead_letters(before(settings.dead_letters_s))
    if settings.transitions_s:
        yield _transitions(before(settings.transitions_s))
    if settings.resolved_s:
        yield _resolved(before(settings.resolved_s))
    if settings.ignores_s:
        yield from _handling(before(settings.ignores_s))
    if settings.audit_s:
        for table in (tables.audit, tables.push_audit):
            yield _simple(table.name, table, table.c.at < before(settings.audit_s))


def key_of(table: Table) -> tuple[Column[Any], ...]:
    """Return the columns of a table's key."""
    return tuple(table.primary_key.columns)


def _simple(name: str, table: Table, over: ColumnElement[bool]) -> Step:
    key = key_of(table)
    return Step(name, table, select(*key).where(over), key, but=over)


def _ended(before: datetime) -> ColumnElement[bool]:
    crawls = tables.crawls.c
    return (crawls.status != CrawlStatus.RUNNING.value) & (crawls.finished_at < before)


def _slices(before: datetime) -> Step:
    """Return how far crawls came that ended: nobody goes on there."""
    slices = tables.slices.c
    found = select(*slices["crawl_id", "repository_id", "slice_no"]).join(
        tables.crawls, tables.crawls.c.id == slices.crawl_id
    )
    key = key_of(tables.slices)
    return Step("slices of crawls", tables.slices, found.where(_ended(before)), key)


def _crawls(before: datetime) -> Step:
    """Return crawls, but for the last ones and the first that saw anything: since then alerts."""
    crawls, newer = tables.crawls.c, tables.crawls.alias("newer")
    earlier = tables.crawls.alias("earlier")
    later = (
        select(literal(1))
        .where(newer.c.registry_id == crawls.registry_id, newer.c.id > crawls.id)
        .where(newer.c.partial.is_(False))
        .limit(1)
        .offset(CRAWLS_KEPT - 1)
    )
    known = (
        select(literal(1))
        .where(earlier.c.registry_id == crawls.registry_id, earlier.c.id < crawls.id)
        .where(earlier.c.status.in_((CrawlStatus.DONE.value, CrawlStatus.FAILED.value)))
        .where(earlier.c.partial.is_(False), earlier.c.tags > 0)
    )
    shows = and_(crawls.partial.is_(false()), crawls.tags > 0)
    found = select(crawls.id, crawls.registry_id).where(_ended(before), exists(later))
    return Step("crawls", tables.crawls, found.where(~shows | exists(known)), (crawls.id,))


def _history(before: datetime) -> Step:
    """Return what tags pointed at, but for the last ones of each: rules and pages read those."""
    past, newer = tables.tag_history.c, tables.tag_history.alias("newer")
    later = (
        select(literal(1))
        .where(newer.c.tag_id == past.tag_id, newer.c.id > past.id)
        .limit(1)
        .offset(MOST - 1)
    )
    found = (
        select(past.id, tables.repositories.c.registry_id)
        .join(tables.tags, tables.tags.c.id == past.tag_id)
        .join(tables.repositories, tables.repositories.c.id == tables.tags.c.repository_id)
        .where(past.seen_at < before, exists(later))
    )
    return Step("history", tables.tag_history, found, (past.id,))


def _dead_letters(before: datetime) -> Step:
    """Return messages that no channel took and nobody tried again."""
    messages = tables.messages
    dead = (messages.c.state == MessageState.DEAD.value) & (messages.c.created_at < before)
    return _simple("dead letters", messages, dead)


def _waits() -> ColumnElement[bool]:
    """Return whether a transition is still to be routed to those who are told of it."""
    return exists().where(tables.outbox.c.transition_id == tables.transitions.c.id)


def _transitions(before: datetime) -> Step:
    moves, findings = tables.transitions.c, tables.findings.c
    at = type_coerce(moves.at, BigInteger)
    found = (
        select(moves.id, moves.fingerprint, moves.registry_id, at.label("at"))
        .join(tables.findings, findings.fingerprint == moves.fingerprint)
        .where(moves.at < before, ~_waits())
        .where(or_(findings.state == _RESOLVED, moves.sequence < findings.sequence))
    )
    return Step("transitions", tables.transitions, found, (at, moves.id), told=True)


def _resolved(before: datetime) -> Step:
    findings, moves = tables.findings.c, tables.transitions.c
    over = (findings.state == _RESOLVED) & (findings.resolved_at < before)
    routed = ~exists().where(moves.fingerprint == findings.fingerprint, _waits())
    found = select(findings.id, findings.fingerprint, findings.registry_id).where(over, routed)
    return Step("resolved findings", tables.findings, found, (findings.id,), but=over, told=True)


def _handling(before: datetime) -> Iterator[Step]:
    """Yield what people did about findings, where it has no effect any more."""
    for name, table in (("expired ignores", tables.ignores), ("ended silences", tables.silences)):
        yield _simple(name, table, table.c.expires < before)
    notes, findings = tables.acknowledgements, tables.findings.c
    holds = exists().where(
        findings.fingerprint == notes.c.fingerprint,
        findings.first_seen_at == notes.c.first_seen_at,
        findings.state != _RESOLVED,
    )
    yield _simple("acknowledgements", notes, (notes.c.at < before) & ~holds)
