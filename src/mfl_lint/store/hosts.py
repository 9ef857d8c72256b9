"""What all workers know of hosts: who is left in peace, what is left of pulls, who asked last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, select, text

from mfl_lint.core.decoding import decode
from mfl_lint.store.engine import Store
from mfl_lint.store.inserts import insert_into
from mfl_lint.store.queue_tables import hosts, slots

# Between machines the database's clock is the one that counts.
_NOW: Final = text("SELECT extract(epoch FROM clock_timestamp())::float8")

Pulls = tuple[int, int, float, str]


class HostState(msgspec.Struct, frozen=True):
    """A host is left in peace for `deferred_s` from now on.

    `allowances` by account: limit, what remains, the window in seconds, and whose it is.
    """

    deferred_s: float
    allowances: Mapping[str, Pulls]


async def exchange(store: Store, told: Mapping[str, HostState]) -> dict[str, HostState]:
    """Note what is `told` of hosts, and return what is known of all."""
    if told:
        return await store.write(_exchange, told)
    return await store.read(_known)


def _exchange(connection: Connection, told: Mapping[str, HostState]) -> dict[str, HostState]:
    now = float(connection.execute(_NOW).scalar_one())
    for name, state in sorted(told.items()):
        new = insert_into("postgresql", hosts).values(host=name).on_conflict_do_nothing()
        connection.execute(new)
        mine = hosts.c.host == name
        row = connection.execute(select(hosts).where(mine).with_for_update()).one()
        known = _read(row.allowances) | dict(state.allowances)
        until = max(row.deferred_until, now + state.deferred_s if state.deferred_s else 0.0)
        change = hosts.update().where(mine)
        written = msgspec.json.encode(known).decode()
        connection.execute(change.values(deferred_until=until, allowances=written))
    return _known(connection)


def _known(connection: Connection) -> dict[str, HostState]:
    now = float(connection.execute(_NOW).scalar_one())
    return {
        row.host: HostState(max(0.0, row.deferred_until - now), _read(row.allowances))
        for row in connection.execute(select(hosts))
    }


def _read(allowances: str) -> dict[str, Pulls]:
    return decode(allowances or "{}", dict[str, Pulls])


async def since_used(store: Store, host: str, slot: int, worker: str) -> float | None:
    """Return how many seconds ago another worker used a slot last, None if none did since ours."""
    return await store.read(_since_used, host, slot, worker)


def _since_used(connection: Connection, host: str, slot: int, worker: str) -> float | None:
    mine = (slots.c.host == host) & (slots.c.slot == slot)
    row: Any = connection.execute(select(slots).where(mine)).one_or_none()
    if row is None or row.worker == worker:
        return None
    return float(connection.execute(_NOW).scalar_one()) - float(row.used_at)


async def note_used(store: Store, host: str, slot: int, worker: str) -> None:
    """Note that a worker used a slot until now."""
    await store.write(note_slot, host, slot, worker)


def note_slot(connection: Connection, host: str, slot: int, worker: str) -> None:
    """Do so in a transaction that does more."""
    now = float(connection.execute(_NOW).scalar_one())
    new = insert_into("postgresql", slots).values(host=host, slot=slot, worker=worker, used_at=now)
    connection.execute(
        new.on_conflict_do_update(
            index_elements=["host", "slot"],
            set_={"worker": new.excluded.worker, "used_at": new.excluded.used_at},
        )
    )
