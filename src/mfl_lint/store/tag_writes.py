"""Writing tags: their states, their history, and how many there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, select, update

from mfl_lint.core.observation import LookState
from mfl_lint.core.records import Batch, TagState
from mfl_lint.store.columns import Time
from mfl_lint.store.counters import Place, Tally, count_standing, write_tally
from mfl_lint.store.inserts import Rows, insert_all, upsert
from mfl_lint.store.prepared import Prepared, among
from mfl_lint.store.rows import tag_row, tag_state
from mfl_lint.store.settlements import TagInPlace
from mfl_lint.store.tables import tag_history, tags

_HERE: Final = tags.c.repository_id == bindparam("repository")
_NAMED: Final = _HERE & among(tags.c.name, "names")
_BEFORE: Final = Prepared(
    select(tags.c.id, tags.c.name, tags.c.digest, tags.c.watched, tags.c.gone_at).where(_NAMED)
)
_ALL: Final = Prepared(select(tags).where(_HERE).order_by(tags.c.name))
_UNCHANGED: Final = Prepared(
    update(tags)
    .where(_NAMED)
    .values(
        look=LookState.VERIFIED.value,
        detail="",
        looked_at=bindparam("at", type_=Time),
        verified_at=bindparam("at", type_=Time),
        missing_since=None,
        gone_at=None,
        watched=True,
    )
)
_UNWATCH: Final = Prepared(update(tags).where(_NAMED).values(watched=False))


def tags_of(connection: Connection, repository_id: int) -> dict[str, TagState]:
    """Return all tags ever seen by name: gone and unwatched ones too."""
    rows = _ALL.rows(connection, repository=repository_id)
    return {row.name: tag_state(row) for row in rows}


def tags_before(connection: Connection, place: Place, names: Iterable[str]) -> dict[str, Any]:
    """Return what is stored of the tags, by name."""
    rows = _BEFORE.rows(connection, repository=place.repository_id, names=names)
    return {row.name: row for row in rows}


def write_tags(
    connection: Connection, place: Place, batch: Batch, tally: Tally
) -> dict[str, TagInPlace]:
    """Write the batch's tags and their history; return their rows by name."""
    states = {write.state.name: write.state for write in batch.tags}
    before = tags_before(connection, place, states.keys() | set(batch.unchanged))
    after = {name: (state.watched, state.gone_at) for name, state in states.items()}
    unchanged = [name for name in batch.unchanged if name in before and name not in states]
    after |= dict.fromkeys(unchanged, (True, None))
    _count_tags(connection, place, before, after, tally)
    rows = [tag_row(place.repository_id, state) for state in states.values()]
    for row in rows:
        known = before.get(row["name"])
        row["first_seen_at"] = row["first_seen_at"] or batch.at
        row["digest"] = row["digest"] or (known.digest if known else None)
    upsert(connection, tags, rows, unique=("repository_id", "name"), kept=("first_seen_at",))
    if unchanged:
        _UNCHANGED.run(connection, repository=place.repository_id, names=unchanged, at=batch.at)
    written = tags_before(connection, place, states)
    _write_history(connection, states, before, written, batch.at)
    return {name: TagInPlace(row.id, row.watched) for name, row in written.items()}


def _count_tags(
    connection: Connection,
    place: Place,
    before: Mapping[str, Any],
    after: Mapping[str, tuple[bool, datetime | None]],
    tally: Tally,
) -> None:
    """Count tags that come and go, and the findings of those that are (un)watched from now on."""
    flips: dict[int, list[str]] = {1: [], -1: []}
    for name, (watched, gone_at) in after.items():
        old = before.get(name)
        was = old is not None and old.watched and old.gone_at is None
        tally.total["tags"] += (watched and gone_at is None) - was
        if old is not None and old.watched != watched:
            flips[1 if watched else -1].append(name)
    for sign, names in flips.items():
        count_standing(connection, tally, sign, place.repository_id, names)


def _write_history(
    connection: Connection,
    states: Mapping[str, TagState],
    before: Mapping[str, Any],
    written: Mapping[str, Any],
    at: datetime,
) -> None:
    """Remember what the tags point at from now on, where that is something else than before."""
    rows: Rows = [
        {"tag_id": written[name].id, "digest": state.digest, "seen_at": state.looked_at or at}
        for name, state in states.items()
        if state.digest is not None and (name not in before or before[name].digest != state.digest)
    ]
    insert_all(connection, tag_history, rows)


def unwatch(connection: Connection, place: Place, names: Sequence[str]) -> None:
    """Make tags unwatched: their findings stay as they are and count no more."""
    before = tags_before(connection, place, names)
    leaving = {name: (False, row.gone_at) for name, row in before.items() if row.watched}
    tally = Tally()
    _count_tags(connection, place, before, leaving, tally)
    if leaving:
        _UNWATCH.run(connection, repository=place.repository_id, names=leaving)
    write_tally(connection, place, tally, None)
