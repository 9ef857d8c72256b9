"""Finding repositories, tags and digests by what somebody remembers of their names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Select, literal, literal_column, select, true, tuple_

from mfl_lint.core.errors import CursorInvalid
from mfl_lint.core.views import Hit, Page
from mfl_lint.store.cursors import page, read_cursor
from mfl_lint.store.engine import Store
from mfl_lint.store.statements import matches, visible
from mfl_lint.store.tables import presence, registries, repositories, tags

_KINDS: Final = ("repository", "tag", "digest")
_DIGEST: Final = re.compile(r"(?:sha256|sha512):[0-9a-f]{0,128}|[0-9a-f]{4,128}")
# No index has it, so SQLite goes from the repositories to what is in them, not through it all.
_FIRST: Final = repositories.c.id + literal_column("0")
_FEW: Final = 500
_LAST: Final = "\U0010ffff"


async def search(
    store: Store, text: str, *, cursor: str | None = None, limit: int = 50
) -> Page[Hit]:
    """Return repositories whose name holds the text, tags and digests that begin with it.

    `app:v1` finds the tags of repositories whose name holds `app`; a registry's host may stand
    in front.
    """
    start = read_cursor(cursor, str, str, str, str) if cursor is not None else None
    if start is not None and start[0] not in _KINDS:
        raise CursorInvalid("the cursor is not one of this list")
    found = await store.read(_search, text, start, limit + 1, store.sees)
    return page(found, limit, lambda one: one, _key)


def _key(hit: Hit) -> tuple[str, str, str, str]:
    return hit.kind, hit.registry, hit.repository, hit.tag or hit.digest


def _search(
    connection: Connection,
    text: str,
    start: Sequence[str] | None,
    most: int,
    sees: frozenset[str] | None,
) -> Sequence[Hit]:
    name = _without_host(connection, text, sees)
    found: list[Hit] = []
    for kind, query in _queries(connection, name):
        query = visible(sees, query)
        if start is not None and _KINDS.index(kind) < _KINDS.index(start[0]):
            continue
        if start is not None and kind == start[0]:
            query = query.where(tuple_(*query.selected_columns) > tuple_(*map(literal, start[1:])))
        rows = connection.execute(query.limit(most - len(found))).all()
        found += [_hit(kind, *row) for row in rows]
        if len(found) == most:
            break
    return found


def _hit(kind: str, registry: str, repository: str, last: str) -> Hit:
    tag, digest = (last if kind == one else "" for one in ("tag", "digest"))
    return Hit(kind, registry, repository, tag, digest)


def _without_host(connection: Connection, text: str, sees: frozenset[str] | None) -> str:
    """Return the text without the host of a registry in front."""
    for host in connection.scalars(visible(sees, select(registries.c.host).distinct())):
        if text.startswith(f"{host}/"):
            return text[len(host) + 1 :]
    return text


def _queries(connection: Connection, text: str) -> Iterator[tuple[str, Select[Any]]]:
    """Yield each kind with the query of registry, repository and what else names a hit."""
    name, colon, tag = text.rpartition(":")
    if not colon:
        name, tag = "", text
        yield "repository", _named(connection, literal("").label("last"), text)
    if "/" not in tag:
        yield "tag", _tags(connection, _named(connection, tags.c.name, name), tag)
    if _DIGEST.fullmatch(text):
        wanted = text if colon else f"sha256:{text}"
        query = _named(connection, presence.c.digest, "").join(
            presence, presence.c.repository_id == _FIRST
        )
        yield "digest", query.where(_begins(presence.c.digest, wanted)).order_by(presence.c.digest)


def _tags(connection: Connection, within: Select[Any], start: str) -> Select[Any]:
    """Return the query of tags of repositories that begin with a text.

    Where few do it goes from them to their repositories, else from repository to repository.
    """
    wanted = tags.c.watched.is_(true()) & tags.c.gone_at.is_(None) & _begins(tags.c.name, start)
    few = _few(connection, tags.c.id, wanted)
    if few is None:
        query = within.join(tags, tags.c.repository_id == _FIRST).where(wanted)
    else:
        query = within.join(tags, tags.c.repository_id == repositories.c.id)
        query = query.where(tags.c.id.in_(few))
    return query.order_by(tags.c.name)


def _named(connection: Connection, last: Any, part: str) -> Select[Any]:
    """Return the query of watched repositories whose name holds the part, in order.

    Names are gone through in an index that holds nothing else, until more than a few have it.
    """
    query = (
        select(registries.c.name, repositories.c.name, last)
        .select_from(repositories)
        .join(registries, registries.c.id == repositories.c.registry_id)
        .where(registries.c.watched.is_(true()), repositories.c.watched.is_(true()))
        .where(repositories.c.gone_at.is_(None))
        .order_by(registries.c.name, repositories.c.name)
    )
    if not part:
        return query
    wanted = matches(connection.dialect.name, repositories.c.name, f"*{part}*")
    few = _few(connection, repositories.c.id, wanted)
    return query.where(wanted if few is None else repositories.c.id.in_(few))


def _few(connection: Connection, column: Any, wanted: Any) -> Sequence[int] | None:
    """Return the ids of the rows that are wanted, None where they are many."""
    found = connection.scalars(select(column).where(wanted).limit(_FEW + 1)).all()
    return None if len(found) > _FEW else found


def _begins(column: Any, text: str) -> Any:
    """Return the condition that a text begins with another, for an index of the column."""
    return (column >= text) & (column < text + _LAST)
