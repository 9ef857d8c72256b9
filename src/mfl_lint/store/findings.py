"""Findings to decide from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Select, select

from mfl_lint.core.truth import Tracked
from mfl_lint.store.engine import Store
from mfl_lint.store.rows import tracked_value
from mfl_lint.store.statements import fetch_in
from mfl_lint.store.tables import findings, registries, repositories

_NAMES: Final = (registries.c.name.label("registry"), repositories.c.name.label("repository"))


def findings_in_place(*more: Any) -> Select[Any]:
    """Return the query of findings with the names of their places, and more columns."""
    return (
        select(findings, *_NAMES, *more)
        .join(repositories, repositories.c.id == findings.c.repository_id)
        .join(registries, registries.c.id == findings.c.registry_id)
    )


async def tracked(
    store: Store, repository_id: int, tags: Sequence[str] | None
) -> dict[str, tuple[Tracked, ...]]:
    """Return the findings by tag, resolved ones too; a tag without any is left out.

    The tag "" holds the repository's own; `tags` = None means all, "" included.
    """
    query = findings_in_place().where(findings.c.repository_id == repository_id)
    query = query.order_by(findings.c.id)
    found: dict[str, list[Tracked]] = {}
    async with store.read() as connection:
        if tags is None:
            rows: Sequence[Any] = (await connection.execute(query)).all()
        else:
            rows = await fetch_in(connection, query, findings.c.tag, dict.fromkeys(tags))
    for row in rows:
        found.setdefault(row.tag, []).append(tracked_value(row))
    return {tag: tuple(listed) for tag, listed in found.items()}
