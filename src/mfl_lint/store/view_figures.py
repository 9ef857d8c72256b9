"""Figures to be watched over time: queues, and findings by rule out of the counters."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Select, func, select, true

from mfl_lint.store.counters import COLUMNS
from mfl_lint.store.engine import Store
from mfl_lint.store.statements import visible
from mfl_lint.store.tables import look_requests, messages, outbox, registries, rule_counters

_STANDING: Final = (
    select(
        registries.c.name.label("registry"),
        rule_counters.c.rule,
        *(rule_counters.c[name] for name in COLUMNS),
    )
    .join(registries, registries.c.id == rule_counters.c.registry_id)
    .where(registries.c.watched.is_(true()))
    .order_by(registries.c.name, rule_counters.c.rule)
)


class Figures(msgspec.Struct, frozen=True):
    """Requests for looks and messages by state; findings by (registry, rule, severity).

    The severity `unknown` counts the unknown findings of any severity.
    """

    looks: dict[str, int]
    messages: dict[str, int]
    findings: dict[tuple[str, ...], int]


async def figures(store: Store) -> Figures:
    """Return the figures of one moment."""
    return await store.read(_figures, store.sees)


def _figures(connection: Connection, sees: frozenset[str] | None) -> Figures:
    standing = visible(sees, _STANDING)
    return Figures(
        looks=_by_state(connection, select(look_requests.c.state, func.count())),
        messages=_messages(connection),
        findings={
            (row.registry, row.rule, name): getattr(row, name)
            for row in connection.execute(standing)
            for name in COLUMNS
        },
    )


def _messages(connection: Connection) -> dict[str, int]:
    """Return how many messages there are by state, and news that are none yet."""
    waiting = connection.scalar(select(func.count()).select_from(outbox)) or 0
    none = {"sent": 0, "dead": 0, "unrouted": waiting}
    return none | _by_state(connection, select(messages.c.state, func.count()))


def _by_state(connection: Connection, query: Select[Any]) -> dict[str, int]:
    grouped = query.group_by(query.selected_columns[0])
    return {"pending": 0} | {row[0]: row[1] for row in connection.execute(grouped)}
