"""Whether a pattern of people matches anything that is known: typing errors match nothing."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import Connection, exists, select

from mfl_lint.core.policy import Ignore
from mfl_lint.store.engine import Store
from mfl_lint.store.statements import matches
from mfl_lint.store.tables import registries, repositories, tags

Unmatched = Literal["repository", "tag", ""]


async def unmatched(store: Store, matcher: Ignore) -> Unmatched:
    """Return which pattern is the first that matches nothing known, "" where all do."""
    return await store.read(_unmatched, matcher)


def _unmatched(connection: Connection, matcher: Ignore) -> Unmatched:
    dialect = connection.dialect.name
    places = select(repositories.c.id).join(
        registries, registries.c.id == repositories.c.registry_id
    )
    for column, pattern in (
        (registries.c.name, matcher.registry),
        (repositories.c.name, matcher.repository),
    ):
        if pattern != "*":
            places = places.where(matches(dialect, column, pattern))
    named = places.join(tags, tags.c.repository_id == repositories.c.id)
    if matcher.repository != "*" and not connection.scalar(select(exists(places))):
        return "repository"
    if matcher.tag != "*":
        named = named.where(matches(dialect, tags.c.name, matcher.tag))
        return "" if connection.scalar(select(exists(named))) else "tag"
    return ""
