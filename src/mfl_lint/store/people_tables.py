"""Tables of who may do what here, and of what they did."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, Column, Index, Table, false

from mfl_lint.store.columns import Time
from mfl_lint.store.schema import link, metadata, optional_text, own_id, token, words

users: Final = Table(
    "users",
    metadata,
    own_id(),
    words("name", unique=True),
    optional_text("password"),
    token("role"),
    Column("disabled", Boolean, nullable=False, server_default=false()),
    Column("created_at", Time, nullable=False),
)

api_tokens: Final = Table(
    "api_tokens",
    metadata,
    own_id(),
    link("user_id", "users"),
    words("name", unique=True),
    token("digest", unique=True),
    token("scopes"),
    Column("created_at", Time, nullable=False),
    Column("last_used_at", Time),
    Column("expires_at", Time),
    Column("revoked_at", Time),
    Index("ix_api_tokens_user_id", "user_id"),
)

sessions: Final = Table(
    "sessions",
    metadata,
    token("digest", primary_key=True),
    link("user_id", "users"),
    Column("created_at", Time, nullable=False),
    Column("expires_at", Time, nullable=False),
    Index("ix_sessions_user_id", "user_id"),
    Index("ix_sessions_expires_at", "expires_at"),
)

audit: Final = Table(
    "audit",
    metadata,
    own_id(),
    Column("at", Time, nullable=False),
    words("who"),
    token("action"),
    words("subject"),
)
