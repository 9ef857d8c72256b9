"""Findings of which somebody is still to be told: news, what waits in groups, messages not sent."""

from __future__ import annotations

from typing import Final

import msgspec
from sqlalchemy import Connection, select

from mfl_lint.core.messages import MessageState
from mfl_lint.store.columns import from_json
from mfl_lint.store.tables import alert_waiting, messages, outbox, transitions

_AT_ONCE: Final = 500
_STREAMED: Final = {"stream_results": True, "max_row_buffer": _AT_ONCE}
_NEWS: Final = select(transitions.c.fingerprint).join(
    outbox, outbox.c.transition_id == transitions.c.id
)
_NOT_SENT: Final = select(messages.c.notice).where(messages.c.state != MessageState.SENT.value)


class _Named(msgspec.Struct, frozen=True):
    """What of a piece of news says which finding it is of."""

    fingerprint: str = ""


class _Notice(msgspec.Struct, frozen=True):
    items: tuple[_Named, ...] = ()


def awaited(connection: Connection) -> set[str]:
    """Return the fingerprints of findings of which somebody is still to be told.

    It is one state of the database. A dead letter counts: it can be tried again.
    """
    found = set(connection.scalars(_NEWS))
    for news in connection.scalars(select(alert_waiting.c.news), execution_options=_STREAMED):
        found.add(from_json(news, _Named).fingerprint)
    for notice in connection.scalars(_NOT_SENT, execution_options=_STREAMED):
        found.update(item.fingerprint for item in from_json(notice, _Notice).items)
    return found
