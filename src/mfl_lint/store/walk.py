"""Watched repositories in order, from a place on: what lists over many of them go along."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, select, true

from mfl_lint.store.statements import matches, visible
from mfl_lint.store.tables import registries, repositories

START: Final = ("", "")
_SHOWN: Final = (repositories.c.watched.is_(true()), repositories.c.gone_at.is_(None))


class Wanted(msgspec.Struct, frozen=True):
    """Which repositories a list goes along: globs, "" for all; `begin` with which, inclusive.

    `sees` are the registries that whoever asks may know of, None for all.
    """

    registry: str = ""
    repository: str = ""
    begin: tuple[str, str] = START
    sees: frozenset[str] | None = None


class Stop(msgspec.Struct, frozen=True):
    """One repository on the way."""

    id: int
    registry: str
    repository: str


def walk(connection: Connection, wanted: Wanted) -> Iterator[Stop]:
    """Yield the repositories by registry and name, read as they are wanted."""
    for number, registry in _registries(connection, wanted):
        query = select(repositories.c.id, repositories.c.name).where(
            repositories.c.registry_id == number, *_SHOWN
        )
        if wanted.repository:
            name = matches(connection.dialect.name, repositories.c.name, wanted.repository)
            query = query.where(name)
        if registry == wanted.begin[0]:
            query = query.where(repositories.c.name >= wanted.begin[1])
        for row in connection.execute(query.order_by(repositories.c.name)):
            yield Stop(row.id, registry, row.name)


def _registries(connection: Connection, wanted: Wanted) -> Sequence[tuple[int, str]]:
    query = select(registries.c.id, registries.c.name).where(
        registries.c.watched.is_(true()), registries.c.name >= wanted.begin[0]
    )
    if wanted.registry:
        query = query.where(matches(connection.dialect.name, registries.c.name, wanted.registry))
    query = visible(wanted.sees, query).order_by(registries.c.name)
    rows = connection.execute(query).all()
    return [(row.id, row.name) for row in rows]
