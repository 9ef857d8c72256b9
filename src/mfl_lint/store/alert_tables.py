"""Tables of alerts: what waits to be told, what is remembered, messages, and what people did."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table, UniqueConstraint

from mfl_lint.store.columns import Time
from mfl_lint.store.schema import link, metadata, number, optional_text, own_id, words

outbox: Final = Table(
    "outbox",
    metadata,
    own_id(),
    words("transition_id", unique=True),
    Column("created_at", Time, nullable=False),
)

alert_groups: Final = Table(
    "alert_groups",
    metadata,
    own_id(),
    words("route"),
    optional_text("registry"),
    optional_text("repository"),
    optional_text("rule"),
    Column("due_at", Time),
    Column("repeat_at", Time),
    UniqueConstraint("route", "registry", "repository", "rule"),
    Index("ix_alert_groups_due_at", "due_at"),
    Index("ix_alert_groups_repeat_at", "repeat_at"),
)

alert_waiting: Final = Table(
    "alert_waiting",
    metadata,
    own_id(),
    link("group_id", "alert_groups", index=True),
    words("news"),
)

alert_marks: Final = Table(
    "alert_marks",
    metadata,
    words("kind"),
    words("route"),
    words("registry"),
    words("repository"),
    words("tag"),
    Column("since", Time),
    Column("at", Time),
    number("number"),
    optional_text("last"),
    PrimaryKeyConstraint("kind", "route", "registry", "repository", "tag"),
)

messages: Final = Table(
    "messages",
    metadata,
    own_id(),
    words("key", unique=True),
    words("route"),
    words("thread"),
    words("channel"),
    optional_text("registry"),
    words("title"),
    words("notice"),
    words("state"),
    number("attempts"),
    Column("next_attempt_at", Time),
    Column("lease_until", Time),
    optional_text("lease_holder"),
    Column("created_at", Time, nullable=False),
    Column("sent_at", Time),
    optional_text("problem"),
    Index("ix_messages_channel", "channel", "state", "thread", "id"),
    Index("ix_messages_route", "route", "created_at"),
)

silences: Final = Table(
    "silences",
    metadata,
    own_id(),
    words("rule"),
    words("registry"),
    words("repository"),
    words("tag"),
    words("reason"),
    words("who"),
    Column("created_at", Time, nullable=False),
    Column("expires", Time, nullable=False),
)

acknowledgements: Final = Table(
    "acknowledgements",
    metadata,
    words("fingerprint", primary_key=True),
    Column("first_seen_at", Time, nullable=False),
    words("who"),
    words("reason"),
    Column("at", Time, nullable=False),
)
