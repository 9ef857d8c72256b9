"""How much of what is watched was not seen whole, or could not be decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Select, bindparam, func, or_, select, text, true

from mfl_lint.core.observation import LookState
from mfl_lint.store.engine import Store
from mfl_lint.store.prepared import among
from mfl_lint.store.statements import Sighted, visible
from mfl_lint.store.tables import registries, repositories, tags

Sees = frozenset[str] | None

_VERIFIED: Final = LookState.VERIFIED.value
# In the words of their indexes: with a parameter they would not be used.
_TAG: Final = text(
    "tags.watched AND tags.gone_at IS NULL "
    "AND (tags.look <> 'verified' OR tags.complete IS NOT TRUE OR tags.unsettled)"
)
_REPOSITORY: Final = text(
    "repositories.watched AND repositories.gone_at IS NULL "
    "AND (repositories.look IS NULL OR repositories.look <> 'verified')"
)


class Uncertain(msgspec.Struct, frozen=True):
    """Watched tags that are not certain, and watched repositories whose tags were not listed."""

    tags: int = 0
    repositories: int = 0


async def uncertain_by_registry(store: Store) -> dict[str, Uncertain]:
    """Return how much of each registry is not certain; those without are left out."""
    return await store.read(_by_registry, store.sees)


async def uncertain_by_repository(
    store: Store, registry: str, names: Sequence[str]
) -> dict[str, int]:
    """Return how many tags of the named repositories are not certain."""
    return await store.read(_by_repository, registry, names, store.sees)


async def unseen_by_registry(store: Store) -> dict[str, int]:
    """Return how many tags of each registry were not seen whole at the last look."""
    return await store.read(_unseen, store.sees)


def _unseen(connection: Connection, sees: Sees) -> dict[str, int]:
    unseen = or_(tags.c.look != _VERIFIED, tags.c.complete.is_not(true()))
    query = visible(sees, _tags(registries.c.name)).where(
        unseen, tags.c.look != LookState.ABSENT.value
    )
    query = query.where(repositories.c.watched.is_(true()))
    return {row.key: row.number for row in connection.execute(query)}


def _by_registry(connection: Connection, sees: Sees) -> dict[str, Uncertain]:
    rows = _IN_REGISTRIES.rows(connection, sees)
    found = {row.key: Uncertain(tags=row.number) for row in rows}
    for row in _UNLISTED.rows(connection, sees):
        found[row.key] = Uncertain(found.get(row.key, Uncertain()).tags, row.number)
    return found


def _by_repository(
    connection: Connection, registry: str, names: Sequence[str], sees: Sees
) -> dict[str, int]:
    rows = _IN_REPOSITORIES.rows(connection, sees, registry=registry, names=names)
    return {row.key: row.number for row in rows}


def _tags(key: Any) -> Select[Any]:
    """Return the query of how many tags are not certain, grouped by `key`."""
    return (
        select(key.label("key"), func.count().label("number"))
        .select_from(tags)
        .join(repositories, repositories.c.id == tags.c.repository_id)
        .join(registries, registries.c.id == repositories.c.registry_id)
        .where(_TAG)
        .group_by(key)
    )


_IN_REGISTRIES: Final = Sighted(_tags(registries.c.name).where(repositories.c.watched.is_(true())))
_IN_REPOSITORIES: Final = Sighted(
    _tags(repositories.c.name).where(
        registries.c.name == bindparam("registry"), among(repositories.c.name, "names")
    )
)
_UNLISTED: Final = Sighted(
    select(registries.c.name.label("key"), func.count().label("number"))
    .select_from(repositories)
    .join(registries, registries.c.id == repositories.c.registry_id)
    .where(_REPOSITORY)
    .group_by(registries.c.name)
)
