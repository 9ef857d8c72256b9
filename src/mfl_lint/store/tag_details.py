"""Rows of tags with all that stands below them. A tag that is as it was is not made again."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Connection, select

from mfl_lint.core.truth import FindingState
from mfl_lint.core.views import TagRow
from mfl_lint.store.findings import findings_in_place
from mfl_lint.store.prepared import Prepared, Read, among
from mfl_lint.store.rows import entry_value, tag_state, tracked_value
from mfl_lint.store.tables import entries, findings, presence, tags

_HERE: Final = presence.c.repository_id == tags.c.repository_id
# The entries of each tag's index, with the last look at each in the repository.
_ENTRIES: Final = Prepared(
    select(tags.c.id.label("tag_id"), entries, presence.c.look)
    .select_from(tags)
    .join(entries, entries.c.index_digest == tags.c.digest)
    .outerjoin(presence, _HERE & (presence.c.digest == entries.c.digest))
    .where(among(tags.c.id, "ids"))
    .order_by(tags.c.id, entries.c.position)
)
# The findings of the tags that are not resolved, the worst first.
_STANDING: Final = Prepared(
    findings_in_place(findings.c.tag_id.label("of_tag"))
    .where(findings.c.state != FindingState.RESOLVED.value, among(findings.c.tag_id, "ids"))
    .order_by(findings.c.weight.desc(), findings.c.rule, findings.c.id)
)
_Values = tuple[Any, ...]
# How a row is read, and what was read.
_Found = tuple[Read, _Values]


def with_details(connection: Connection, rows: Sequence[Any]) -> dict[int, TagRow]:
    """Return the rows of tags with their entries and findings, by id; of many repositories too.

    The same value again where nothing changed.
    """
    if not rows:
        return {}
    ids = [row.id for row in rows]
    listed = _grouped(_ENTRIES.made(connection, _as_read, ids=ids), first=0)
    standing = _grouped(_STANDING.made(connection, _as_read, ids=ids), first=-1)
    return {row.id: _tag_row(row, listed.get(row.id, ()), standing.get(row.id, ())) for row in rows}


def _as_read(read: Read, values: _Values) -> _Found:
    return read, values


def _grouped(found: Sequence[_Found], first: int) -> dict[int, tuple[_Found, ...]]:
    """Return the rows by the tag's id, which stands at that place of each."""
    by_tag: dict[int, list[_Found]] = {}
    for one in found:
        by_tag.setdefault(one[1][first], []).append(one)
    return {tag: tuple(rows) for tag, rows in by_tag.items()}


@lru_cache(maxsize=512)
def _tag_row(row: Any, listed: tuple[_Found, ...], standing: tuple[_Found, ...]) -> TagRow:
    below = (read(values) for read, values in listed)
    return TagRow(
        tag_state(row),
        tuple(entry_value(one, one.look) for one in below),
        tuple(tracked_value(read(values)) for read, values in standing),
    )
