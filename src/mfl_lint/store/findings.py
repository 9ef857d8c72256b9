"""Findings to decide from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Select, bindparam, literal_column, select

from mfl_lint.core.truth import Tracked
from mfl_lint.store.engine import Store
from mfl_lint.store.prepared import Prepared, among
from mfl_lint.store.rows import tracked_value
from mfl_lint.store.tables import findings, registries, repositories

_NAMES: Final = (registries.c.name.label("registry"), repositories.c.name.label("repository"))


def findings_in_place(*more: Any, of_few: bool = False) -> Select[Any]:
    """Return the query of findings with the names of their places, and more columns.

    `of_few`: those of few repositories are wanted, which no index of a registry's findings is to
    be used for: SQLite would go through all of them in its order.
    """
    above = findings.c.registry_id + literal_column("0") if of_few else findings.c.registry_id
    return (
        select(findings, *_NAMES, *more)
        .join(repositories, repositories.c.id == findings.c.repository_id)
        .join(registries, registries.c.id == above)
    )


_HERE: Final = findings.c.repository_id == bindparam("repository")
_TRACKED: Final = Prepared(findings_in_place().where(_HERE).order_by(findings.c.id))
_TRACKED_OF: Final = Prepared(
    findings_in_place().where(_HERE, among(findings.c.tag, "tags")).order_by(findings.c.id)
)


async def tracked(
    store: Store, repository_id: int, tags: Sequence[str] | None
) -> dict[str, tuple[Tracked, ...]]:
    """Return the findings by tag, resolved ones too; a tag without any is left out.

    The tag "" holds the repository's own; `tags` = None means all, "" included.
    """
    found: dict[str, list[Tracked]] = {}
    if tags is None:
        rows = await store.read(_TRACKED.rows, repository=repository_id)
    else:
        rows = await store.read(_TRACKED_OF.rows, repository=repository_id, tags=tags)
    for row in rows:
        found.setdefault(row.tag, []).append(tracked_value(row))
    return {tag: tuple(listed) for tag, listed in found.items()}
