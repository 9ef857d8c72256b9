"""The whole content in a canonical form, and its size."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from sqlalchemy import Connection, Select, Table, func, select

from mfl_lint.core.views import StoreFigures
from mfl_lint.store import tables
from mfl_lint.store.compression import decompressed
from mfl_lint.store.engine import Store
from mfl_lint.store.versions import stored_revision

_AT_ONCE: Final = 100


async def canonical_dump(store: Store) -> dict[str, object]:
    """Return what is believed, sorted, without ids, times and crawls: to compare databases."""
    return await store.read(_dump)


def _dump(connection: Connection) -> dict[str, object]:
    entries, findings, transitions = tables.entries, tables.findings, tables.transitions
    fingerprints = select(findings.c.fingerprint, findings.c.rule, findings.c.state)
    changes = select(transitions.c.fingerprint, transitions.c.sequence, transitions.c.change)
    return {
        "tags": _sorted(connection, _tags()),
        "documents": _documents(connection),
        "entries": _sorted(connection, select(entries)),
        "presence": _sorted(connection, _presence()),
        "findings": _sorted(connection, fingerprints),
        "transitions": _sorted(connection, changes),
    }


def _sorted(connection: Connection, query: Select[Any]) -> list[list[Any]]:
    rows = connection.execute(query).all()
    return sorted(([*row] for row in rows), key=lambda row: [str(value) for value in row])


def _in_place(table: Table, *columns: Any) -> Select[Any]:
    """Return a query of a repository's rows, with the names of registry and repository."""
    repositories, registries = tables.repositories, tables.registries
    return (
        select(registries.c.name, repositories.c.name.label("repository"), *columns)
        .join_from(table, repositories, repositories.c.id == table.c.repository_id)
        .join(registries, registries.c.id == repositories.c.registry_id)
    )


def _tags() -> Select[Any]:
    tags = tables.tags
    gone = tags.c.gone_at.is_not(None).label("gone")
    return _in_place(tags, tags.c.name.label("tag"), tags.c.digest, gone)


def _presence() -> Select[Any]:
    presence = tables.presence
    return _in_place(presence, presence.c.digest, presence.c.look)


def _documents(connection: Connection) -> list[list[str]]:
    """Return each document's digest, media type, and the hash of the bytes that are kept."""
    documents = tables.documents
    query = select(documents.c.digest, documents.c.media_type, documents.c.raw)
    found: list[list[str]] = []
    query = query.order_by(documents.c.digest).execution_options(yield_per=_AT_ONCE)
    for row in connection.execute(query):
        kept = hashlib.sha256(decompressed(row.raw)).hexdigest()
        found.append([row.digest, row.media_type, kept])
    return found


async def figures(store: Store) -> StoreFigures:
    """Return the schema's revision and the number of rows of each table."""
    return await store.read(_figures)


def _figures(connection: Connection) -> StoreFigures:
    rows = {
        table.name: int(connection.scalar(select(func.count()).select_from(table)) or 0)
        for table in tables.metadata.sorted_tables
    }
    return StoreFigures(stored_revision(connection) or "", dict(sorted(rows.items())))
