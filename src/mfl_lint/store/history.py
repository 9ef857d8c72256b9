"""What tags pointed at before, and what they offered then: for many tags in two queries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, select

from mfl_lint.core.history import Earlier
from mfl_lint.core.observation import Kind
from mfl_lint.core.platform import Platform
from mfl_lint.store.engine import Store
from mfl_lint.store.statements import chunks, fetch_in
from mfl_lint.store.tables import entries, tag_history, tags

MOST: Final = 8

_NEWEST_FIRST: Final = func.row_number().over(
    partition_by=tag_history.c.tag_id, order_by=tag_history.c.id.desc()
)
_NUMBERED: Final = (
    select(tags.c.name, tag_history.c.digest, tag_history.c.seen_at, _NEWEST_FIRST.label("number"))
    .join(tags, tags.c.id == tag_history.c.tag_id)
    .where(
        tags.c.repository_id == bindparam("repository"),
        tags.c.name.in_(bindparam("names", expanding=True)),
    )
    .subquery()
)
_POINTED: Final = (
    select(_NUMBERED)
    .where(_NUMBERED.c.number <= MOST)
    .order_by(_NUMBERED.c.name, _NUMBERED.c.number)
)
_RUNNABLE: Final = (Kind.IMAGE.value, Kind.UNDECIDED.value)
_OFFERED: Final = (
    select(
        entries.c.index_digest,
        entries.c.os,
        entries.c.architecture,
        entries.c.variant,
        entries.c.os_version,
    )
    .where(entries.c.kind.in_(_RUNNABLE), entries.c.os != "", entries.c.architecture != "")
    .order_by(entries.c.index_digest, entries.c.position)
)


async def pointed_at(
    store: Store, repository_id: int, names: Sequence[str]
) -> dict[str, tuple[Earlier, ...]]:
    """Return what each tag pointed at and offered, the newest first, MOST of them at most.

    The first is what the store knows as the tag's digest. Tags without any are left out.
    """
    return await store.read(_pointed_at, repository_id, names) if names else {}


def _pointed_at(
    connection: Connection, repository_id: int, names: Sequence[str]
) -> dict[str, tuple[Earlier, ...]]:
    rows: list[Any] = []
    for chunk in chunks(names):
        given = {"repository": repository_id, "names": chunk}
        rows += connection.execute(_POINTED, given).all()
    platforms = _platforms(connection, {row.digest for row in rows})
    found: dict[str, tuple[Earlier, ...]] = {}
    for row in rows:
        one = Earlier(row.digest, row.seen_at, platforms.get(row.digest))
        found[row.name] = (*found.get(row.name, ()), one)
    return found


def _platforms(connection: Connection, digests: set[str]) -> dict[str, tuple[Platform, ...]]:
    """Return the platforms of the images of each index, as its entries say them."""
    found: dict[str, tuple[Platform, ...]] = {}
    for row in fetch_in(connection, _OFFERED, entries.c.index_digest, digests):
        platform = Platform(row.os, row.architecture, row.variant, row.os_version)
        found[row.index_digest] = (*found.get(row.index_digest, ()), platform)
    return found
