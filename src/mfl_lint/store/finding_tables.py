"""Tables of what is judged: findings, transitions, requests for looks, counters."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    Column,
    Index,
    Integer,
    SmallInteger,
    Table,
    UniqueConstraint,
    text,
)

from mfl_lint.store.columns import Id, Time, Words
from mfl_lint.store.schema import (
    counters,
    link,
    metadata,
    number,
    optional_text,
    own_id,
    words,
)

_STANDING: Final = {
    "ix_findings_standing": (),
    "ix_findings_standing_registry": ("registry_id",),
    "ix_findings_standing_rule": ("rule",),
}


def _standing(name: str, *first: str) -> Index:
    """Return an index of the findings that stand, in the order in which they are shown."""
    where = text("state <> 'resolved'")
    columns = (*first, "weight", "first_seen_at", "id")
    return Index(name, *columns, sqlite_where=where, postgresql_where=where)


findings: Final = Table(
    "findings",
    metadata,
    own_id(),
    words("fingerprint", unique=True),
    link("registry_id", "registries"),
    link("repository_id", "repositories"),
    link("tag_id", "tags", optional=True, index=True),
    optional_text("tag"),
    words("rule"),
    words("slug"),
    words("severity"),
    Column("weight", SmallInteger, nullable=False),
    words("reference"),
    Column("digest", Words),
    optional_text("platform"),
    Column("position", Integer),
    optional_text("subject"),
    optional_text("message"),
    optional_text("fix"),
    words("state"),
    Column("first_seen_at", Time, nullable=False),
    Column("last_confirmed_at", Time, nullable=False),
    Column("resolved_at", Time),
    number("missed_rounds"),
    number("sequence"),
    Index("ix_findings_place", "repository_id", "tag"),
    Index("ix_findings_worst", "weight", "first_seen_at", "id"),
    Index("ix_findings_registry", "registry_id", "weight", "first_seen_at", "id"),
    Index("ix_findings_rule", "rule", "state"),
    *(_standing(name, *first) for name, first in _STANDING.items()),
)

ignores: Final = Table(
    "ignores",
    metadata,
    own_id(),
    words("rule"),
    words("registry"),
    words("repository"),
    words("tag"),
    words("reason"),
    words("who"),
    Column("created_at", Time, nullable=False),
    Column("expires", Time),
)

transitions: Final = Table(
    "transitions",
    metadata,
    words("id", primary_key=True),
    words("fingerprint"),
    Column("sequence", Id, nullable=False),
    link("registry_id", "registries"),
    words("change"),
    Column("at", Time, nullable=False),
    optional_text("reason"),
    UniqueConstraint("fingerprint", "sequence"),
    Index("ix_transitions_newest", "at", "id"),
    Index("ix_transitions_registry", "registry_id", "at", "id"),
)

look_requests: Final = Table(
    "look_requests",
    metadata,
    own_id(),
    words("registry"),
    words("repository"),
    words("tag"),
    words("state"),
    optional_text("reason"),
    Column("requested_at", Time, nullable=False),
    Column("taken_at", Time),
    Column("holder", Words),
)
Index(
    "uq_look_requests_pending",
    look_requests.c.registry,
    look_requests.c.repository,
    look_requests.c.tag,
    unique=True,
    sqlite_where=text("state = 'pending'"),
    postgresql_where=text("state = 'pending'"),
)

leases: Final = Table(
    "leases",
    metadata,
    link("repository_id", "repositories", primary_key=True, autoincrement=False),
    words("holder"),
    Column("fence", Id, nullable=False),
    Column("expires_at", Time, nullable=False),
)

rule_counters: Final = Table(
    "rule_counters",
    metadata,
    link("registry_id", "registries", primary_key=True, autoincrement=False),
    words("rule", primary_key=True),
    *counters(),
)

day_counters: Final = Table(
    "day_counters",
    metadata,
    link("registry_id", "registries", primary_key=True, autoincrement=False),
    words("day", primary_key=True),
    *counters(),
    number("opened"),
    number("resolved"),
)

push_audit: Final = Table(
    "push_audit",
    metadata,
    own_id(),
    Column("at", Time, nullable=False),
    words("who"),
    words("registry"),
    words("repository"),
    words("tag"),
    Column("digest_before", Words),
    Column("digest_after", Words),
    words("state"),
    optional_text("plan"),
    optional_text("problem"),
)
