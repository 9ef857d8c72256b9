"""Rows of tags with all that stands below them. A tag that is as it was is not made again."""

from __future__ import annotations

from collections import defaultdict
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
# Driver's rows, in order.
_Rows = list[Any]


class _Found:
    """All that was read of a tag. It is found again by the tag's id, and then compared.

    What it was read as is always the same.
    """

    __slots__ = ("entries", "findings", "readers", "row")

    def __init__(self, row: Any, entries: _Rows, findings: _Rows, readers: tuple[Read, Read]):
        self.row = row
        self.entries = entries
        self.findings = findings
        self.readers = readers

    def __hash__(self) -> int:
        return hash(self.row.id)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _Found)
            and self.row == other.row
            and self.entries == other.entries
            and self.findings == other.findings
        )


def with_details(connection: Connection, rows: Sequence[Any]) -> dict[int, TagRow]:
    """Return the rows of tags with their entries and findings, by id; of many repositories too.

    The same value again where nothing changed.
    """
    if not rows:
        return {}
    ids = [row.id for row in rows]
    read_entry, listed = _ENTRIES.unread(connection, ids=ids)
    read_finding, standing = _STANDING.unread(connection, ids=ids)
    readers, by_tag, worst = (read_entry, read_finding), _by_tag(listed, 0), _by_tag(standing, -1)
    return {
        row.id: _tag_row(_Found(row, by_tag.get(row.id, []), worst.get(row.id, []), readers))
        for row in rows
    }


def _by_tag(rows: _Rows, place: int) -> dict[int, _Rows]:
    """Return the rows by the tag's id, which stands at that place of each."""
    found: defaultdict[int, _Rows] = defaultdict(list)
    for row in rows:
        found[row[place]].append(row)
    return found


@lru_cache(maxsize=512)
def _tag_row(found: _Found) -> TagRow:
    read_entry, read_finding = found.readers
    below = map(read_entry, found.entries)
    return TagRow(
        tag_state(found.row),
        tuple(entry_value(one, one.look) for one in below),
        tuple(tracked_value(read_finding(values)) for values in found.findings),
    )
