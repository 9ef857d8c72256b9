"""The first tables."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
COUNTS = ("error", "warning", "info", "unknown")
WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def key() -> list[Any]:
    """Return an own id."""
    return [sa.Column("id", ID, autoincrement=True, nullable=False), primary("id")]


def owned(**targets: str) -> list[Any]:
    """Return foreign keys that are part of the primary key."""
    columns = [sa.Column(name, ID, autoincrement=False, nullable=False) for name in targets]
    return [*columns, *(part for name in targets for part in to(name, targets[name])[1:])]


def primary(*names: str) -> sa.PrimaryKeyConstraint:
    """Return the primary key, named as every constraint is."""
    return sa.PrimaryKeyConstraint(*names, name=None)


def words(*names: str, nullable: bool = False) -> list[Any]:
    """Return texts that are given."""
    return [sa.Column(name, WORDS, nullable=nullable) for name in names]


def texts(*names: str) -> list[Any]:
    """Return texts that may be empty."""
    return [sa.Column(name, WORDS, nullable=False, server_default="") for name in names]


def numbers(*names: str) -> list[Any]:
    """Return counters."""
    return [sa.Column(name, ID, nullable=False, server_default="0") for name in names]


def times(*names: str, nullable: bool = True) -> list[Any]:
    """Return times: microseconds since 1970, UTC."""
    return [sa.Column(name, sa.BigInteger(), nullable=nullable) for name in names]


def flag(name: str, default: Any) -> sa.Column[Any]:
    """Return a truth value."""
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=default)


def to(name: str, target: str, *, nullable: bool = False, kind: Any = ID) -> list[Any]:
    """Return a foreign key with its column."""
    points = sa.ForeignKeyConstraint([name], [f"{target}.id"], ondelete="CASCADE")
    return [sa.Column(name, kind, nullable=nullable), points]


def unique(name: str, *columns: str) -> sa.UniqueConstraint:
    """Return a unique constraint of a table."""
    return sa.UniqueConstraint(*columns, name=f"uq_{name}_{'_'.join(columns)}")


def table(name: str, *parts: list[Any]) -> None:
    """Create a table; constraints get the names that the tables' convention gives them."""
    columns = [part for group in parts for part in group]
    for part in columns:
        if isinstance(part, sa.PrimaryKeyConstraint):
            part.name = f"pk_{name}"
        elif isinstance(part, sa.ForeignKeyConstraint):
            part.name = f"fk_{name}_{part.column_keys[0]}"
    op.create_table(name, *columns)


def index(name: str, on: str, *columns: str, where: str = "", unique: bool = False) -> None:
    """Create an index, over a part of the rows if told."""
    part = sa.text(where) if where else None
    op.create_index(
        op.f(name), on, list(columns), unique=unique, sqlite_where=part, postgresql_where=part
    )


def places() -> None:
    """Create what is looked at."""
    table(
        "registries",
        key(),
        words("name", "host"),
        [flag("watched", sa.true())],
        texts("notice"),
        times("notice_at"),
        times("first_seen_at", nullable=False),
        numbers("repositories", "tags", *COUNTS),
        [unique("registries", "name")],
    )
    table(
        "repositories",
        key(),
        to("registry_id", "registries"),
        words("name"),
        [flag("watched", sa.true())],
        texts("siblings_hash"),
        words("look", nullable=True),
        texts("detail"),
        times("first_seen_at", nullable=False),
        times("last_crawled_at", "missing_since", "gone_at"),
        numbers("tags", *COUNTS),
        [unique("repositories", "registry_id", "name")],
    )


def tags() -> None:
    """Create tags and their history."""
    table(
        "tags",
        key(),
        to("repository_id", "repositories"),
        words("name", "sort_key"),
        words("digest", nullable=True),
        words("look"),
        texts("detail"),
        times("first_seen_at", "looked_at", "verified_at", "walked_at", "moved_at"),
        times("missing_since", "gone_at"),
        [flag("watched", sa.true()), flag("complete", sa.false())],
        texts("judged_hash"),
        [flag("unsettled", sa.false())],
        words("summary", nullable=True),
        numbers(*COUNTS),
        [unique("tags", "repository_id", "name")],
    )
    missing = "missing_since IS NOT NULL AND gone_at IS NULL"
    standing = "error + warning + info + unknown > 0"
    index("ix_tags_digest", "tags", "digest")
    index("ix_tags_matrix", "tags", "repository_id", "sort_key", "name")
    index("ix_tags_broken", "tags", "error", "warning", "unknown", where=standing)
    index("ix_tags_missing", "tags", "missing_since", where=missing)
    seen = times("seen_at", nullable=False)
    table("tag_history", key(), to("tag_id", "tags"), words("digest"), seen)
    index("ix_tag_history_tag_id", "tag_history", "tag_id")


def documents() -> None:
    """Create what is kept of contents."""
    table(
        "documents",
        words("digest", "media_type"),
        [sa.Column("raw", sa.LargeBinary(), nullable=False)],
        numbers("size_bytes"),
        times("fetched_at", nullable=False),
        [primary("digest")],
    )
    position = sa.Column("position", sa.Integer(), autoincrement=False, nullable=False)
    table(
        "entries",
        words("index_digest"),
        [position],
        words("digest", nullable=True),
        texts("media_type"),
        [sa.Column("size_bytes", ID, nullable=True)],
        words("os", nullable=True),
        texts("architecture", "variant", "os_version", "os_features"),
        texts("annotations", "artifact_type", "urls"),
        [*words("kind"), primary("index_digest", "position")],
    )
    table(
        "presence",
        owned(repository_id="repositories"),
        words("digest", "look"),
        [*texts("detail"), *times("looked_at", nullable=False)],
        [primary("repository_id", "digest")],
    )


def crawls() -> None:
    """Create the crawls, their progress, and who may write."""
    table(
        "crawls",
        key(),
        to("registry_id", "registries"),
        words("status"),
        times("started_at", nullable=False),
        times("finished_at"),
        numbers("repositories", "repositories_done", "tags", "requests", "opened", "resolved"),
        texts("problem"),
    )
    index("ix_crawls_registry_id", "crawls", "registry_id")
    table(
        "slices",
        owned(crawl_id="crawls", repository_id="repositories"),
        [sa.Column("slice_no", sa.Integer(), autoincrement=False, nullable=False)],
        numbers("done", "total"),
        [primary("crawl_id", "repository_id", "slice_no")],
    )
    index("ix_slices_repository_id", "slices", "repository_id")
    table(
        "leases",
        owned(repository_id="repositories"),
        words("holder"),
        [sa.Column("fence", ID, nullable=False)],
        times("expires_at", nullable=False),
        [primary("repository_id")],
    )


def findings() -> None:
    """Create findings."""
    table(
        "findings",
        key(),
        words("fingerprint"),
        to("registry_id", "registries"),
        to("repository_id", "repositories"),
        to("tag_id", "tags", nullable=True),
        texts("tag"),
        words("rule", "slug", "severity"),
        [sa.Column("weight", sa.SmallInteger(), nullable=False)],
        words("reference"),
        words("digest", nullable=True),
        texts("platform"),
        [sa.Column("position", sa.Integer(), nullable=True)],
        texts("subject", "message", "fix"),
        words("state"),
        times("first_seen_at", "last_confirmed_at", nullable=False),
        times("resolved_at"),
        numbers("missed_rounds", "sequence"),
        [unique("findings", "fingerprint")],
    )
    newest = ("weight", "first_seen_at", "id")
    index("ix_findings_place", "findings", "repository_id", "tag")
    index("ix_findings_worst", "findings", *newest)
    index("ix_findings_registry", "findings", "registry_id", *newest)
    index("ix_findings_rule", "findings", "rule", "state")
    index("ix_findings_tag_id", "findings", "tag_id")


def changes() -> None:
    """Create transitions, what announces them, and the counters."""
    table(
        "transitions",
        words("id", "fingerprint"),
        [sa.Column("sequence", ID, nullable=False)],
        to("registry_id", "registries"),
        [*words("change"), *times("at", nullable=False), *texts("reason")],
        [primary("id"), unique("transitions", "fingerprint", "sequence")],
    )
    index("ix_transitions_newest", "transitions", "at", "id")
    index("ix_transitions_registry", "transitions", "registry_id", "at", "id")
    table(
        "outbox",
        key(),
        to("transition_id", "transitions", kind=WORDS),
        [*texts("channel"), *words("state"), *numbers("attempts")],
        times("next_attempt_at", "lease_until"),
        [*texts("lease_holder"), *words("idempotency_key")],
        times("created_at", nullable=False),
        texts("problem"),
        [unique("outbox", "transition_id", "channel"), unique("outbox", "idempotency_key")],
    )
    index("ix_outbox_due", "outbox", "state", "next_attempt_at")
    for name, second, more in (("rule", "rule", []), ("day", "day", ["opened", "resolved"])):
        columns = [*words(second), *numbers(*COUNTS, *more)]
        whole = [*owned(registry_id="registries"), *columns, primary("registry_id", second)]
        table(f"{name}_counters", whole)


def requests() -> None:
    """Create what people ask for: ignores, looks, pushes."""
    named = words("rule", "registry", "repository", "tag", "reason", "who")
    table("ignores", key(), named, times("created_at", nullable=False), times("expires"))
    table(
        "look_requests",
        key(),
        words("registry", "repository", "tag", "state"),
        [*texts("reason"), *times("requested_at", nullable=False), *times("taken_at")],
    )
    names, pending = ("registry", "repository", "tag"), "state = 'pending'"
    index("uq_look_requests_pending", "look_requests", *names, where=pending, unique=True)
    table(
        "push_audit",
        key(),
        times("at", nullable=False),
        words("who", "registry", "repository", "tag"),
        words("digest_before", "digest_after", nullable=True),
        [*words("state"), *texts("plan", "problem")],
    )


def upgrade() -> None:
    """Create every table."""
    for part in (places, tags, documents, crawls, findings, changes, requests):
        part()
