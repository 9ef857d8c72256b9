"""Tables of what is looked at: registries, repositories, tags, documents, crawls."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    UniqueConstraint,
    false,
    text,
)

from mfl_lint.store.columns import Id, Time, Token, Words
from mfl_lint.store.schema import (
    counters,
    link,
    metadata,
    number,
    optional_text,
    own_id,
    token,
    watched,
    words,
)

registries: Final = Table(
    "registries",
    metadata,
    own_id(),
    words("name", unique=True),
    words("host"),
    watched(),
    optional_text("notice"),
    Column("notice_at", Time),
    Column("first_seen_at", Time, nullable=False),
    number("repositories"),
    number("tags"),
    number("revision"),
    Column("announced", Boolean, nullable=False, server_default=false()),
    *counters(),
)

repositories: Final = Table(
    "repositories",
    metadata,
    own_id(),
    link("registry_id", "registries"),
    words("name"),
    watched(),
    optional_text("siblings_hash"),
    Column("look", Words),
    optional_text("detail"),
    Column("first_seen_at", Time, nullable=False),
    Column("last_crawled_at", Time),
    Column("missing_since", Time),
    Column("gone_at", Time),
    number("tags"),
    *counters(),
    UniqueConstraint("registry_id", "name"),
)

_UNLISTED: Final = "watched AND gone_at IS NULL AND (look IS NULL OR look <> 'verified')"
Index(
    "ix_repositories_unlisted",
    repositories.c.registry_id,
    sqlite_where=text(_UNLISTED),
    postgresql_where=text(_UNLISTED),
)

tags: Final = Table(
    "tags",
    metadata,
    own_id(),
    link("repository_id", "repositories"),
    words("name"),
    words("sort_key"),
    Column("digest", Token, index=True),
    words("look"),
    optional_text("detail"),
    Column("first_seen_at", Time),
    Column("looked_at", Time),
    Column("verified_at", Time),
    Column("walked_at", Time),
    Column("moved_at", Time),
    Column("missing_since", Time),
    Column("gone_at", Time),
    watched(),
    Column("complete", Boolean, nullable=False, server_default=false()),
    optional_text("judged_hash"),
    Column("unsettled", Boolean, nullable=False, server_default=false()),
    Column("summary", Words),
    *counters(),
    UniqueConstraint("repository_id", "name"),
    Index("ix_tags_matrix", "repository_id", "sort_key", "name"),
    Index("ix_tags_name", "name"),
)
Index(
    "ix_tags_broken",
    tags.c.error,
    tags.c.warning,
    tags.c.unknown,
    tags.c.id,
    sqlite_where=text("error + warning + info + unknown > 0"),
    postgresql_where=text("error + warning + info + unknown > 0"),
)
_UNCERTAIN: Final = (
    "watched AND gone_at IS NULL AND (look <> 'verified' OR complete IS NOT TRUE OR unsettled)"
)
Index(
    "ix_tags_uncertain",
    tags.c.repository_id,
    sqlite_where=text(_UNCERTAIN),
    postgresql_where=text(_UNCERTAIN),
)
Index(
    "ix_tags_missing",
    tags.c.missing_since,
    sqlite_where=text("missing_since IS NOT NULL AND gone_at IS NULL"),
    postgresql_where=text("missing_since IS NOT NULL AND gone_at IS NULL"),
)

tag_history: Final = Table(
    "tag_history",
    metadata,
    own_id(),
    link("tag_id", "tags", index=True),
    token("digest"),
    Column("seen_at", Time, nullable=False),
)

documents: Final = Table(
    "documents",
    metadata,
    token("digest", primary_key=True),
    words("media_type"),
    Column("raw", LargeBinary, nullable=False),
    number("size_bytes"),
    Column("fetched_at", Time, nullable=False),
)

orphans: Final = Table(
    "orphans",
    metadata,
    token("digest", primary_key=True),
    Column("since", Time, nullable=False),
    Index("ix_orphans_since", "since"),
)

# What one process does for all now and then, and when that was done last.
chores: Final = Table(
    "chores",
    metadata,
    token("name", primary_key=True),
    Column("at", Time, nullable=False),
)

entries: Final = Table(
    "entries",
    metadata,
    token("index_digest", primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("digest", Token),
    optional_text("media_type"),
    Column("size_bytes", Id),
    Column("os", Words),
    optional_text("architecture"),
    optional_text("variant"),
    optional_text("os_version"),
    optional_text("os_features"),
    optional_text("annotations"),
    optional_text("artifact_type"),
    optional_text("urls"),
    token("kind"),
)

layers: Final = Table(
    "layers",
    metadata,
    token("digest", primary_key=True),
    Column("summary", LargeBinary, nullable=False),
    Column("read_at", Time, nullable=False),
)

presence: Final = Table(
    "presence",
    metadata,
    link("repository_id", "repositories", primary_key=True, autoincrement=False),
    token("digest", primary_key=True),
    token("look"),
    optional_text("detail"),
    Column("looked_at", Time, nullable=False),
)

crawls: Final = Table(
    "crawls",
    metadata,
    own_id(),
    link("registry_id", "registries", index=True),
    token("status"),
    Column("started_at", Time, nullable=False),
    Column("finished_at", Time),
    number("repositories"),
    number("repositories_done"),
    number("tags"),
    number("requests"),
    number("opened"),
    number("resolved"),
    optional_text("problem"),
    Column("partial", Boolean, nullable=False, server_default=false()),
)

slices: Final = Table(
    "slices",
    metadata,
    link("crawl_id", "crawls", primary_key=True, autoincrement=False),
    link("repository_id", "repositories", primary_key=True, autoincrement=False, index=True),
    Column("slice_no", Integer, primary_key=True, autoincrement=False),
    number("done"),
    number("total"),
)
