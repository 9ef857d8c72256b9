"""Alerts: news of the registries that somebody is told of, messages, silences, acknowledgements.

What waited in the outbox before is no news: no release sent any.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def words(*names: str, optional: bool = False) -> list[sa.Column[str]]:
    """Return texts, which may be empty where they are optional."""
    default = "" if optional else None
    return [sa.Column(name, WORDS, nullable=False, server_default=default) for name in names]


def at(*names: str, nullable: bool = True) -> list[sa.Column[int]]:
    """Return times: microseconds since 1970, UTC."""
    return [sa.Column(name, sa.BigInteger(), nullable=nullable) for name in names]


def number(name: str) -> sa.Column[int]:
    """Return a counter from 0."""
    return sa.Column(name, ID, nullable=False, server_default="0")


def table(name: str, *parts: sa.schema.SchemaItem) -> None:
    """Create a table with an id of its own."""
    own: sa.Column[int] = sa.Column("id", ID, autoincrement=True, nullable=False)
    op.create_table(name, own, *parts, sa.PrimaryKeyConstraint("id", name=f"pk_{name}"))


def upgrade() -> None:
    """Make the tables; nothing is announced until the configuration says so."""
    announced: sa.Column[bool] = sa.Column(
        "announced", sa.Boolean(), nullable=False, server_default=sa.false()
    )
    op.add_column("registries", announced)
    op.drop_table("outbox")
    table(
        "outbox",
        *words("transition_id"),
        *at("created_at", nullable=False),
        sa.UniqueConstraint("transition_id", name="uq_outbox_transition_id"),
    )
    waiting()
    table(
        "messages",
        *words("key", "route", "thread", "channel"),
        *words("registry", optional=True),
        *words("title", "notice", "state"),
        number("attempts"),
        *at("next_attempt_at", "lease_until"),
        *words("lease_holder", optional=True),
        *at("created_at", nullable=False),
        *at("sent_at"),
        *words("problem", optional=True),
        sa.UniqueConstraint("key", name="uq_messages_key"),
    )
    op.create_index("ix_messages_channel", "messages", ["channel", "state", "thread", "id"])
    op.create_index("ix_messages_route", "messages", ["route", "created_at"])
    people()


def waiting() -> None:
    """Make what waits to be told, and what is remembered."""
    place = ("route", "registry", "repository", "rule")
    table(
        "alert_groups",
        *words("route"),
        *words("registry", "repository", "rule", optional=True),
        *at("due_at", "repeat_at"),
        sa.UniqueConstraint(*place, name="uq_alert_groups_" + "_".join(place)),
    )
    for name in ("due_at", "repeat_at"):
        op.create_index(f"ix_alert_groups_{name}", "alert_groups", [name])
    above = sa.ForeignKeyConstraint(
        ["group_id"], ["alert_groups.id"], name="fk_alert_waiting_group_id", ondelete="CASCADE"
    )
    table("alert_waiting", sa.Column("group_id", ID, nullable=False), *words("news"), above)
    op.create_index("ix_alert_waiting_group_id", "alert_waiting", ["group_id"])
    key = ("kind", "route", "registry", "repository", "tag")
    op.create_table(
        "alert_marks",
        *words(*key),
        *at("since", "at"),
        number("number"),
        *words("last", optional=True),
        sa.PrimaryKeyConstraint(*key, name="pk_alert_marks"),
    )


def people() -> None:
    """Make what people do about findings."""
    matcher = ("rule", "registry", "repository", "tag", "reason", "who")
    table("silences", *words(*matcher), *at("created_at", "expires", nullable=False))
    op.create_table(
        "acknowledgements",
        *words("fingerprint"),
        *at("first_seen_at", nullable=False),
        *words("who", "reason"),
        *at("at", nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_acknowledgements"),
    )
