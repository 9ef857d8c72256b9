"""The right to write one repository's rows, with a fencing number."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mfl_lint.core.errors import LeaseLost
from mfl_lint.core.records import Lease
from mfl_lint.store.counters import Place
from mfl_lint.store.engine import Store
from mfl_lint.store.registries import insert_repositories, recount_repositories
from mfl_lint.store.statements import insert_into, registry_id
from mfl_lint.store.tables import leases, repositories
from mfl_lint.store.tables import registries as _REGISTRIES  # noqa: N812

_OVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


async def acquire(
    store: Store, registry: str, repository: str, holder: str, ttl_s: float, now: datetime
) -> Lease | None:
    """Return the lease, None while somebody else's has not expired.

    Creates the repository's row when needed; StoreError for a registry that is not known. A
    holder that asks again gets a new fence, its older lease is lost.
    """
    until = now + timedelta(seconds=ttl_s)
    async with store.write() as connection:
        above = await registry_id(connection, registry)
        if await insert_repositories(connection, above, [repository], now):
            await recount_repositories(connection, above)
        place = (repositories.c.registry_id == above) & (repositories.c.name == repository)
        found = await connection.scalar(select(repositories.c.id).where(place))
        values = {"repository_id": found, "holder": holder, "fence": 1, "expires_at": until}
        fence = await connection.scalar(_take(connection, values, now))
    if found is None or fence is None:
        return None
    return Lease(found, registry, repository, holder, fence, until)


def _take(connection: AsyncConnection, values: dict[str, Any], now: datetime) -> Any:
    """Return the statement that takes a lease if it is free, and returns its fence."""
    insert = insert_into(connection, leases).values(values)
    free = or_(leases.c.expires_at <= now, leases.c.holder == values["holder"])
    return insert.on_conflict_do_update(
        index_elements=["repository_id"],
        set_={
            "holder": insert.excluded.holder,
            "fence": leases.c.fence + 1,
            "expires_at": insert.excluded.expires_at,
        },
        where=free,
    ).returning(leases.c.fence)


def _mine(lease: Lease) -> Any:
    """Return the condition that nobody took the lease over."""
    return (leases.c.repository_id == lease.repository_id) & (leases.c.fence == lease.fence)


def _lost(lease: Lease) -> LeaseLost:
    return LeaseLost(
        f"somebody else crawls {lease.registry}/{lease.repository} now: nothing was written"
    )


async def renew(store: Store, lease: Lease, ttl_s: float, now: datetime) -> Lease:
    """Return the lease with a later end; LeaseLost if somebody else has it now."""
    until = now + timedelta(seconds=ttl_s)
    async with store.write() as connection:
        done = await connection.execute(update(leases).where(_mine(lease)).values(expires_at=until))
    if done.rowcount != 1:
        raise _lost(lease)
    return msgspec.structs.replace(lease, expires_at=until)


async def release(store: Store, lease: Lease) -> None:
    """Give the lease back; nothing happens if somebody else has it now."""
    async with store.write() as connection:
        await connection.execute(update(leases).where(_mine(lease)).values(expires_at=_OVER))


async def release_ended(
    store: Store, registry: str, has_ended: Callable[[str], bool], now: datetime
) -> int:
    """Free the leases of the registry whose holders have ended; return how many."""
    above = select(_REGISTRIES.c.id).where(_REGISTRIES.c.name == registry)
    here = select(repositories.c.id).where(repositories.c.registry_id.in_(above))
    held = (leases.c.expires_at > now) & leases.c.repository_id.in_(here)
    async with store.read() as connection:
        holders = (await connection.execute(select(leases.c.holder).where(held).distinct())).all()
    ended = [row.holder for row in holders if has_ended(row.holder)]
    if not ended:
        return 0
    freed = update(leases).where(held, leases.c.holder.in_(ended)).values(expires_at=_OVER)
    async with store.write() as connection:
        return int((await connection.execute(freed)).rowcount)


async def check_fence(connection: AsyncConnection, lease: Lease) -> Place:
    """Return the lease's place, held until the transaction's end; LeaseLost if it is stale."""
    query = (
        select(repositories.c.registry_id, repositories.c.watched)
        .join(leases, leases.c.repository_id == repositories.c.id)
        .where(_mine(lease))
        .with_for_update(key_share=True)
    )
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise _lost(lease)
    return Place(row.registry_id, lease.repository_id, row.watched)
