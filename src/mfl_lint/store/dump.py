"""The whole content in a canonical form, and its size."""

from __future__ import annotations

import hashlib
import zlib
from typing import Any

from sqlalchemy import Select, Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mfl_lint.core.records import StoreFigures
from mfl_lint.store import tables
from mfl_lint.store.engine import Store, stored_revision


async def canonical_dump(store: Store) -> dict[str, object]:
    """Return what is believed, sorted, without ids, times and crawls: to compare databases."""
    entries, findings, transitions = tables.entries, tables.findings, tables.transitions
    async with store.read() as connection:
        return {
            "tags": await _sorted(connection, _tags()),
            "documents": await _documents(connection),
            "entries": await _sorted(connection, select(entries)),
            "presence": await _sorted(connection, _presence()),
            "findings": await _sorted(
                connection, select(findings.c.fingerprint, findings.c.rule, findings.c.state)
            ),
            "transitions": await _sorted(
                connection,
                select(transitions.c.fingerprint, transitions.c.sequence, transitions.c.change),
            ),
        }


async def _sorted(connection: AsyncConnection, query: Select[Any]) -> list[list[Any]]:
    rows = (await connection.execute(query)).all()
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


async def _documents(connection: AsyncConnection) -> list[list[str]]:
    """Return each document's digest, media type, and the hash of the bytes that are kept."""
    documents = tables.documents
    query = select(documents.c.digest, documents.c.media_type, documents.c.raw)
    found: list[list[str]] = []
    async for row in await connection.stream(query.order_by(documents.c.digest)):
        kept = hashlib.sha256(zlib.decompress(row.raw)).hexdigest()
        found.append([row.digest, row.media_type, kept])
    return found


async def figures(store: Store) -> StoreFigures:
    """Return the schema's revision and the number of rows of each table."""
    async with store.read() as connection:
        found = await connection.run_sync(stored_revision)
        rows = {
            table.name: int(await connection.scalar(select(func.count()).select_from(table)) or 0)
            for table in tables.metadata.sorted_tables
        }
    return StoreFigures(found or "", dict(sorted(rows.items())))
