"""The right to write one repository's rows, with a fencing number."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

import msgspec
from sqlalchemy import Connection, bindparam, or_, select, update

from mfl_lint.core.errors import LeaseLost
from mfl_lint.core.records import Begun, Lease
from mfl_lint.store.columns import Time
from mfl_lint.store.counters import Place
from mfl_lint.store.engine import Store
from mfl_lint.store.inserts import insert_into
from mfl_lint.store.prepared import Prepared
from mfl_lint.store.registries import (
    insert_repositories,
    recount_repositories,
    repository_state,
    states_query,
)
from mfl_lint.store.statements import all_rows, registry_id, run
from mfl_lint.store.tables import leases, repositories
from mfl_lint.store.tables import registries as _REGISTRIES  # noqa: N812  # a table
from mfl_lint.store.tag_writes import tags_of

_OVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MINE: Final = (leases.c.repository_id == bindparam("this")) & (leases.c.fence == bindparam("mine"))
_KEEP: Final = Prepared(update(leases).where(_MINE).values(expires_at=bindparam("expires_at")))
_FENCE: Final = Prepared(
    select(repositories.c.registry_id, repositories.c.watched, repositories.c.gone_at)
    .join(leases, leases.c.repository_id == repositories.c.id)
    .where(_MINE)
    .with_for_update(key_share=True)
)
_STATE: Final = Prepared(states_query().where(repositories.c.id == bindparam("this")))
_ID: Final = Prepared(
    select(repositories.c.id)
    .join(_REGISTRIES, _REGISTRIES.c.id == repositories.c.registry_id)
    .where(_REGISTRIES.c.name == bindparam("registry"))
    .where(repositories.c.name == bindparam("repository"))
)


async def acquire(
    store: Store, registry: str, repository: str, holder: str, ttl_s: float, now: datetime
) -> Lease | None:
    """Return the lease, None while somebody else's has not expired.

    Creates the repository's row when needed; StoreError for a registry that is not known. A
    holder that asks again gets a new fence, its older lease is lost.
    """
    until = now + timedelta(seconds=ttl_s)
    return await store.write(_acquire, registry, repository, holder, until, now)


async def begin(
    store: Store, registry: str, repository: str, holder: str, ttl_s: float, now: datetime
) -> Begun | None:
    """Acquire a repository, and return with the lease all that is known of it and its tags.

    None and errors as in `acquire`. What is returned stays true while the lease does.
    """
    until = now + timedelta(seconds=ttl_s)
    return await store.write(_begin, registry, repository, holder, until, now)


def _begin(
    connection: Connection,
    registry: str,
    repository: str,
    holder: str,
    until: datetime,
    now: datetime,
) -> Begun | None:
    lease = _acquire(connection, registry, repository, holder, until, now)
    if lease is None:
        return None
    # Not before the lease is ours: until then its last holder may write.
    row = _STATE.one(connection, this=lease.repository_id)
    return Begun(lease, repository_state(row), tags_of(connection, lease.repository_id))


def _acquire(
    connection: Connection,
    registry: str,
    repository: str,
    holder: str,
    until: datetime,
    now: datetime,
) -> Lease | None:
    names = {"registry": registry, "repository": repository}
    found = _ID.one(connection, **names)
    if found is None:
        above = registry_id(connection, registry)
        insert_repositories(connection, above, [repository], now)
        recount_repositories(connection, above)
        found = _ID.one(connection, **names)
    wanted = {"repository_id": found.id, "holder": holder, "expires_at": until, "now": now}
    taken = _take(connection.dialect.name).one(connection, **wanted)
    if taken is None:
        return None
    return Lease(found.id, registry, repository, holder, taken.fence, until)


@lru_cache(maxsize=2)
def _take(dialect: str) -> Prepared:
    """Return the statement that takes a lease if it is free, and returns its fence."""
    insert = insert_into(dialect, leases).values(
        repository_id=bindparam("repository_id"),
        holder=bindparam("holder"),
        fence=1,
        expires_at=bindparam("expires_at"),
    )
    over = leases.c.expires_at <= bindparam("now", type_=Time)
    statement = insert.on_conflict_do_update(
        index_elements=["repository_id"],
        set_={
            "holder": insert.excluded.holder,
            "fence": leases.c.fence + 1,
            "expires_at": insert.excluded.expires_at,
        },
        where=or_(over, leases.c.holder == insert.excluded.holder),
    ).returning(leases.c.fence)
    return Prepared(statement)


def _lost(lease: Lease) -> LeaseLost:
    return LeaseLost(
        f"somebody else crawls {lease.registry}/{lease.repository} now: nothing was written"
    )


async def renew(store: Store, lease: Lease, ttl_s: float, now: datetime) -> Lease:
    """Return the lease with a later end; LeaseLost if somebody else has it now."""
    until = now + timedelta(seconds=ttl_s)
    await store.write(keep, lease, until)
    return msgspec.structs.replace(lease, expires_at=until)


def keep(connection: Connection, lease: Lease, until: datetime | None) -> None:
    """Write the lease's end, None for now; LeaseLost if somebody else has it."""
    mine = {"this": lease.repository_id, "mine": lease.fence}
    if _KEEP.run(connection, expires_at=until or _OVER, **mine) != 1:
        raise _lost(lease)


async def release(store: Store, lease: Lease) -> None:
    """Give the lease back; nothing happens if somebody else has it now."""
    with suppress(LeaseLost):
        await store.write(keep, lease, None)


async def is_held(store: Store, registry: str, repository: str, now: datetime) -> bool:
    """Say whether somebody has the repository's lease."""
    return await store.read(_is_held, registry, repository, now)


def _is_held(connection: Connection, registry: str, repository: str, now: datetime) -> bool:
    found = _ID.one(connection, registry=registry, repository=repository)
    if found is None:
        return False
    mine = leases.c.repository_id == found.id
    held = select(leases.c.fence).where(mine, leases.c.expires_at > now)
    return connection.execute(held).one_or_none() is not None


async def release_ended(
    store: Store, registry: str, has_ended: Callable[[str], bool], now: datetime
) -> int:
    """Free the leases of the registry whose holders have ended; return how many."""
    above = select(_REGISTRIES.c.id).where(_REGISTRIES.c.name == registry)
    here = select(repositories.c.id).where(repositories.c.registry_id.in_(above))
    held = (leases.c.expires_at > now) & leases.c.repository_id.in_(here)
    holders = await store.read(all_rows, select(leases.c.holder).where(held).distinct())
    ended = [row.holder for row in holders if has_ended(row.holder)]
    if not ended:
        return 0
    freed = update(leases).where(held, leases.c.holder.in_(ended)).values(expires_at=_OVER)
    return await store.write(run, freed)


def check_fence(connection: Connection, lease: Lease) -> Place:
    """Return the lease's place, held until the transaction's end; LeaseLost if it is stale."""
    row = _FENCE.one(connection, this=lease.repository_id, mine=lease.fence)
    if row is None:
        raise _lost(lease)
    gone = row.gone_at is not None
    return Place(row.registry_id, lease.repository_id, row.watched, gone)
