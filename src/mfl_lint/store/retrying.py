"""Dead letters that are tried again: what is true of them still, under their old keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection, select, update

from mfl_lint.core.errors import Refused
from mfl_lint.core.messages import Delivery, MessageState, Notice
from mfl_lint.core.news import Kind, Mark, News
from mfl_lint.core.truth import FindingState
from mfl_lint.store import audit
from mfl_lint.store.columns import from_json, to_json
from mfl_lint.store.engine import Store
from mfl_lint.store.marks import all_marks
from mfl_lint.store.messages import delivery_value
from mfl_lint.store.statements import fetch_in
from mfl_lint.store.tables import findings, messages

_DEAD: Final = messages.c.state == MessageState.DEAD.value
_MARKS: Final = {Kind.UNKNOWN: "dark", Kind.FLAPPING: "flapping"}
Title = Callable[[Notice], str]


async def retry(
    store: Store,
    id: int,  # noqa: A002  # the field's word
    title_of: Title,
    *,
    who: str,
    now: datetime,
) -> Delivery | None:
    """Try a dead letter again with what holds still, and return it; None where it is none.

    Raise Refused where nothing of it does: whoever is told later what was meanwhile undone takes
    it for new.
    """
    return await store.write(_retry, id, title_of, store.sees, who, now)


def _retry(
    connection: Connection,
    number: int,
    title_of: Title,
    sees: frozenset[str] | None,
    who: str,
    now: datetime,
) -> Delivery | None:
    query = select(messages).where(messages.c.id == number, _DEAD).with_for_update()
    if sees is not None:
        query = query.where(messages.c.registry.in_(sees))
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    try:
        told = _still_true(connection, from_json(row.notice, Notice), number)
    except msgspec.DecodeError:
        raise Refused(f"the dead letter {number} cannot be read: it cannot be sent") from None
    # Its time begins anew: else it would be given up at once.
    values = {"state": MessageState.PENDING.value, "attempts": 0, "created_at": now}
    values |= {"next_attempt_at": now, "notice": to_json(told), "title": title_of(told)}
    again = update(messages).where(messages.c.id == number).values(values).returning(messages)
    row = connection.execute(again).one()
    audit.note(connection, who, "alert.retry", f"{number}: to {row.channel}: {row.title}", now)
    return delivery_value(row)


def _still_true(connection: Connection, told: Notice, number: int) -> Notice:
    """Return the notice with what holds still; Refused where that is nothing."""
    if told.digest:
        _refuse_overtaken(connection, told, number)
        return told
    marks = {item.fingerprint for item in told.items if item.fingerprint}
    states = select(findings.c.fingerprint).where(findings.c.state != FindingState.RESOLVED.value)
    rows = fetch_in(connection, states, findings.c.fingerprint, marks)
    stands, noted = {row.fingerprint for row in rows}, all_marks(connection)
    items = tuple(item for item in told.items if _holds(item, stands, noted))
    if not items:
        raise Refused(
            f"the dead letter {number} is out of date: nothing of it is so any more, "
            "and later messages say what is"
        )
    gone = Counter(item.kind for item in told.items) - Counter(item.kind for item in items)
    counts = {kind: left for kind, n in told.counts.items() if (left := n - gone[kind]) > 0}
    return msgspec.structs.replace(told, items=items, counts=counts)


def _refuse_overtaken(connection: Connection, told: Notice, number: int) -> None:
    """Raise Refused for a report after which another one was made, other parts of it aside."""
    here = select(messages.c.channel).where(messages.c.id == number).scalar_subquery()
    thread = messages.c.thread == to_json(told.group)
    later = select(messages.c.notice).where(thread, messages.c.channel == here)
    newest = connection.execute(later.order_by(messages.c.id.desc()).limit(1)).scalar_one()
    if from_json(newest, Notice).at > told.at:
        raise Refused(f"the report {number} is out of date: there is a newer one")


def _holds(item: News, stands: Collection[str], marks: Collection[Mark]) -> bool:
    """Say whether what a message says is so still."""
    if item.fingerprint:
        return (item.fingerprint in stands) is not (item.kind is Kind.RESOLVED)
    place = (item.registry, item.repository, item.tag)
    if item.kind is Kind.RECOVERED:
        return all(mark.key[2:] != place or mark.kind not in _MARKS.values() for mark in marks)
    kind = _MARKS.get(item.kind)
    return kind is None or any(mark.kind == kind and mark.key[2:] == place for mark in marks)
