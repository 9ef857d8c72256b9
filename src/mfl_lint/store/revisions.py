"""A number per registry that grows with all that is written of it: whoever keeps an answer asks it.

Every transaction that changes what is shown of a registry ends with `touch`, so that nobody
sees new data under an old number.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, bindparam, select, update

from mfl_lint.store.engine import Store
from mfl_lint.store.statements import all_rows
from mfl_lint.store.tables import registries

_TOUCH: Final = (
    update(registries)
    .where(registries.c.id == bindparam("this"))
    .values(revision=registries.c.revision + 1)
)
_ALL: Final = select(registries.c.name, registries.c.revision)


def touch(connection: Connection, registry_id: int) -> None:
    """Say that something of the registry was written; the transaction's last statement."""
    connection.execute(_TOUCH, {"this": registry_id})


async def revisions(store: Store) -> dict[str, int]:
    """Return the revision of each registry by name."""
    return {row.name: row.revision for row in await store.read(all_rows, _ALL)}
