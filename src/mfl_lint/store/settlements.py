"""Writing what became of findings: the findings, their transitions, and which are news."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, bindparam, select, true

from mfl_lint.core.errors import StoreError
from mfl_lint.core.truth import Change, Settlement, Tracked, Transition
from mfl_lint.store.counters import Place, Tally, column_of
from mfl_lint.store.inserts import insert_all, upsert
from mfl_lint.store.prepared import Prepared, among
from mfl_lint.store.rows import finding_row
from mfl_lint.store.tables import findings, outbox, registries, transitions

_BEFORE: Final = Prepared(
    select(
        findings.c.fingerprint,
        findings.c.rule,
        findings.c.severity,
        findings.c.state,
        findings.c.sequence,
    ).where(among(findings.c.fingerprint, "marks"))
)
_MOVES: Final = Prepared(
    select(transitions.c.id, transitions.c.sequence, transitions.c.change).where(
        among(transitions.c.id, "marks")
    )
)

_ANNOUNCED: Final = Prepared(
    select(registries.c.id)
    .where(registries.c.id == bindparam("this"))
    .where(registries.c.announced.is_(true()))
)


class TagInPlace(msgspec.Struct, frozen=True):
    """A tag's row as findings need it."""

    id: int
    watched: bool


def write_settlements(
    connection: Connection,
    place: Place,
    settlements: Iterable[Settlement],
    tags: Mapping[str, TagInPlace],
    tally: Tally,
) -> None:
    """Write the settlements of one repository's tags, and count what they change.

    StoreError where a settlement contradicts what is stored; the same one again changes nothing.
    """
    everything = list(settlements)
    changed = {t.finding.fingerprint: t for one in everything for t in one.changed}
    if changed:
        _write_findings(connection, place, changed, tags, tally)
    moves = {t.id: t for one in everything for t in one.transitions}
    if moves:
        _write_transitions(connection, place, moves, tally)


def _write_findings(
    connection: Connection,
    place: Place,
    changed: Mapping[str, Tracked],
    tags: Mapping[str, TagInPlace],
    tally: Tally,
) -> None:
    rows = _BEFORE.rows(connection, marks=changed)
    stored = {row.fingerprint: row for row in rows}
    written: list[dict[str, Any]] = []
    for mark, tracked in changed.items():
        before, tag = stored.get(mark), tags.get(tracked.finding.tag)
        _refuse_older(before, tracked)
        _count(tally, before, tracked, tag)
        ids = {"registry_id": place.registry_id, "repository_id": place.repository_id}
        written.append(finding_row(tracked) | ids | {"tag_id": tag.id if tag else None})
    upsert(connection, findings, written, unique=("fingerprint",))


def _refuse_older(before: Any, tracked: Tracked) -> None:
    """Raise StoreError if the finding changed since the settlement was decided."""
    if before is not None and tracked.sequence < before.sequence:
        raise StoreError(
            f"finding {tracked.finding.fingerprint[:16]} has changed {before.sequence} times, "
            f"the settlement knows of {tracked.sequence}: nothing was written"
        )


def _count(tally: Tally, before: Any, tracked: Tracked, tag: TagInPlace | None) -> None:
    """Count a finding's way from what was stored to what it is."""
    old = column_of(before.severity, before.state) if before is not None else None
    new = column_of(tracked.finding.severity.value, tracked.state.value)
    for column, number in ((old, -1), (new, 1)):
        tally.count_in_tag(tag.id if tag else None, column, number)
        if tag is None or tag.watched:
            tally.count(tracked.finding.rule, column, number)


def _write_transitions(
    connection: Connection, place: Place, moves: Mapping[str, Transition], tally: Tally
) -> None:
    new = _new_transitions(connection, moves)
    if not new:
        return
    insert_all(
        connection,
        transitions,
        [
            {
                "id": move.id,
                "fingerprint": move.fingerprint,
                "sequence": move.sequence,
                "registry_id": place.registry_id,
                "change": move.change.value,
                "at": move.at,
                "reason": move.reason,
            }
            for move in new
        ],
    )
    if _ANNOUNCED.one(connection, this=place.registry_id) is not None:
        rows = [{"transition_id": move.id, "created_at": move.at} for move in new]
        insert_all(connection, outbox, rows)
    tally.opened += sum(move.change is Change.OPENED for move in new)
    tally.resolved += sum(move.change is Change.RESOLVED for move in new)


def _new_transitions(
    connection: Connection, moves: Mapping[str, Transition]
) -> Sequence[Transition]:
    """Return those that are not stored yet; StoreError for one that is stored as another change."""
    rows = _MOVES.rows(connection, marks=moves)
    stored = {row.id: row for row in rows}
    for mark, row in stored.items():
        if (row.sequence, row.change) != (moves[mark].sequence, moves[mark].change):
            raise StoreError(
                f"transition {mark} is stored as {row.change}, not {moves[mark].change}: "
                "nothing was written"
            )
    return [move for mark, move in moves.items() if mark not in stored]
