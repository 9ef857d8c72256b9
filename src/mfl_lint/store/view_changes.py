"""The list of what became of findings; `views` offers it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple

from sqlalchemy import BigInteger, Integer, bindparam, or_, select, tuple_, type_coerce

from mfl_lint.core.truth import Change, Transition
from mfl_lint.core.views import Page, TransitionView
from mfl_lint.store.columns import Time, Words, micros
from mfl_lint.store.cursors import page, read_cursor
from mfl_lint.store.engine import Store
from mfl_lint.store.findings import findings_in_place
from mfl_lint.store.prepared import Unread
from mfl_lint.store.rows import finding_value
from mfl_lint.store.statements import Sighted
from mfl_lint.store.tables import findings, registries, transitions
from mfl_lint.store.view_findings import narrowed

_NEWEST: Final = (transitions.c.at, transitions.c.id)
_PLACE: Final = ("before", "mark")


class _List(NamedTuple):
    """All that the text of a list's statement depends on."""

    dialect: str
    of_one: bool
    repository: str
    rule: str
    changes: tuple[str, ...]
    is_late: bool
    goes_on: bool


async def transitions_page(
    store: Store,
    *,
    registry: str | None = None,
    repository: str = "",
    rule: str = "",
    changes: Sequence[str] = (),
    since: datetime | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[TransitionView]:
    """Return the changes, newest first, of one registry or of all; globs for the others."""
    place = read_cursor(cursor, int, str) if cursor is not None else ()
    asked = _List(
        store.dialect,
        registry is not None,
        repository,
        rule,
        tuple(changes),
        since is not None,
        bool(place),
    )
    given: dict[str, object] = {"registry": registry, "since": since, "most": limit + 1}
    given |= dict(zip(_PLACE, place, strict=False))
    found = await store.read(_statement(asked).made, _change, store.sees, **given)
    return page(found, limit, lambda one: one, lambda one: _place(one.transition))


def _place(move: Transition) -> tuple[int, str]:
    return micros(move.at), move.id


@lru_cache(maxsize=64)
def _statement(asked: _List) -> Sighted:
    query = findings_in_place(
        transitions.c.id.label("transition_id"),
        transitions.c.sequence.label("number"),
        transitions.c.change,
        transitions.c.at,
        transitions.c.reason,
    ).join(transitions, transitions.c.fingerprint == findings.c.fingerprint)
    query = query.order_by(*(column.desc() for column in _NEWEST))
    if asked.of_one:
        # So that the index of a registry's changes is used.
        named = registries.c.name == bindparam("registry")
        above = select(registries.c.id).where(named).scalar_subquery()
        query = query.where(transitions.c.registry_id == above)
    query = narrowed(asked.dialect, query, asked.repository, asked.rule)
    if asked.changes:
        query = query.where(or_(*(transitions.c.change == one for one in asked.changes)))
    if asked.is_late:
        query = query.where(transitions.c.at >= bindparam("since", type_=Time))
    if asked.goes_on:
        exact = (type_coerce(transitions.c.at, BigInteger), transitions.c.id)
        behind = (bindparam("before", type_=BigInteger), bindparam("mark", type_=Words))
        query = query.where(tuple_(*exact) < tuple_(*behind))
    return Sighted(query.limit(bindparam("most", type_=Integer)))


@lru_cache(maxsize=1024)
def _change(found: Unread) -> TransitionView:
    row = found.read(found.values)
    move = Transition(
        row.transition_id, row.fingerprint, row.number, Change(row.change), row.at, row.reason
    )
    return TransitionView(move, finding_value(row))
