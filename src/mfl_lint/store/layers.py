"""What was read of layers, by digest: they belong to no repository."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select

from mfl_lint.core.digest import Digest
from mfl_lint.core.errors import ManifestInvalid
from mfl_lint.core.layer import LayerSummary
from mfl_lint.core.packing import packed, unpacked
from mfl_lint.store.engine import Store
from mfl_lint.store.inserts import upsert
from mfl_lint.store.statements import fetch_in
from mfl_lint.store.tables import layers

_LAYERS: Final = select(layers)


async def read_layers(
    store: Store, digests: Iterable[Digest], *, tried_after: datetime
) -> dict[Digest, LayerSummary]:
    """Return those of the layers that are kept.

    A layer that could not be read to its end is left out unless it was tried after that moment,
    and so is what another release kept in another form.
    """
    return await store.read(_read, set(digests), tried_after)


def _read(
    connection: Connection, digests: set[Digest], tried_after: datetime
) -> dict[Digest, LayerSummary]:
    found: dict[Digest, LayerSummary] = {}
    for row in fetch_in(connection, _LAYERS, layers.c.digest, digests):
        try:
            layer = unpacked(row.summary)
        except ManifestInvalid:
            continue
        if not layer.problem or row.read_at > tried_after:
            found[layer.digest] = layer
    return found


async def write_layers(store: Store, read: Sequence[LayerSummary], at: datetime) -> None:
    """Keep layers, in the place of what was kept of them; the last one of equal digests."""
    await store.write(_write, read, at)


def _write(connection: Connection, read: Sequence[LayerSummary], at: datetime) -> None:
    once = {layer.digest: layer for layer in read}
    # In one order, so that two transactions cannot block one another.
    rows: list[dict[str, Any]] = [
        {"digest": digest, "summary": packed(once[digest]), "read_at": at}
        for digest in sorted(once)
    ]
    upsert(connection, layers, rows, unique=("digest",))
