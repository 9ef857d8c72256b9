"""Repositories in order, from a place on: what lists over many of them go along."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Select, select, true

from mfl_lint.core.observation import LookState
from mfl_lint.store.statements import matches, visible
from mfl_lint.store.tables import registries, repositories

START: Final = ("", "")
# A page and what tells that there is another.
_FIRST_PART: Final = 64
_LARGEST_PART: Final = 4096


class Wanted(msgspec.Struct, frozen=True):
    """Which repositories a list goes along: globs, "" for all; `begin` with which, inclusive.

    `sees` are the registries that whoever asks may know of, None for all. `unwatched` ones are
    left out unless they are asked for.
    """

    registry: str = ""
    repository: str = ""
    begin: tuple[str, str] = START
    sees: frozenset[str] | None = None
    unwatched: bool = False


class Stop(msgspec.Struct, frozen=True):
    """One repository on the way. `listed_at`: when its tags were all listed, if the last time."""

    id: int
    registry: str
    repository: str
    watched: bool = True
    listed_at: datetime | None = None


def walk(connection: Connection, wanted: Wanted) -> Iterator[Stop]:
    """Yield the repositories by registry and name, read as they are wanted."""
    for number, registry, watched in _registries(connection, wanted):
        query = select(
            repositories.c.id,
            repositories.c.name,
            repositories.c.watched,
            repositories.c.look,
            repositories.c.last_crawled_at,
        ).where(repositories.c.registry_id == number, repositories.c.gone_at.is_(None))
        if not wanted.unwatched:
            query = query.where(repositories.c.watched.is_(true()))
        if wanted.repository:
            name = matches(connection.dialect.name, repositories.c.name, wanted.repository)
            query = query.where(name)
        if registry == wanted.begin[0]:
            query = query.where(repositories.c.name >= wanted.begin[1])
        for row in _in_parts(connection, query):
            listed_at = row.last_crawled_at if row.look == LookState.VERIFIED else None
            yield Stop(row.id, registry, row.name, watched and row.watched, listed_at)


def _in_parts(connection: Connection, query: Select[Any]) -> Iterator[Any]:
    """Yield a query's repositories by name, some at once: drivers read all that is asked for."""
    rest, most = query, _FIRST_PART
    while True:
        rows = connection.execute(rest.order_by(repositories.c.name).limit(most)).all()
        yield from rows
        if len(rows) < most:
            return
        rest, most = query.where(repositories.c.name > rows[-1].name), min(4 * most, _LARGEST_PART)


def _registries(connection: Connection, wanted: Wanted) -> Sequence[tuple[int, str, bool]]:
    query = select(registries.c.id, registries.c.name, registries.c.watched).where(
        registries.c.name >= wanted.begin[0]
    )
    if not wanted.unwatched:
        query = query.where(registries.c.watched.is_(true()))
    if wanted.registry:
        query = query.where(matches(connection.dialect.name, registries.c.name, wanted.registry))
    query = visible(wanted.sees, query).order_by(registries.c.name)
    rows = connection.execute(query).all()
    return [(row.id, row.name, row.watched) for row in rows]
