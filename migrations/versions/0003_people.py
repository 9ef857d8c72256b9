"""Who may do what, and what they did."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def words(*names: str) -> list[sa.Column[str]]:
    """Return texts that are given."""
    return [sa.Column(name, WORDS, nullable=False) for name in names]


def at(name: str, *, nullable: bool = False) -> sa.Column[int]:
    """Return a time: microseconds since 1970, UTC."""
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def own_id() -> sa.Column[int]:
    """Return the column of an own id."""
    return sa.Column("id", ID, autoincrement=True, nullable=False)


def user(table: str) -> list[sa.Column[int] | sa.ForeignKeyConstraint]:
    """Return whose row it is; it goes with the user."""
    points = sa.ForeignKeyConstraint(
        ["user_id"], ["users.id"], name=f"fk_{table}_user_id", ondelete="CASCADE"
    )
    return [sa.Column("user_id", ID, nullable=False), points]


def upgrade() -> None:
    """Create users, their tokens and sessions, and the audit."""
    op.create_table(
        "users",
        own_id(),
        *words("name"),
        sa.Column("password", WORDS, nullable=False, server_default=""),
        *words("role"),
        sa.Column("disabled", sa.Boolean(), nullable=False, server_default=sa.false()),
        at("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("name", name="uq_users_name"),
    )
    op.create_table(
        "api_tokens",
        own_id(),
        *user("api_tokens"),
        *words("name", "digest", "scopes"),
        at("created_at"),
        *(at(name, nullable=True) for name in ("last_used_at", "expires_at", "revoked_at")),
        sa.PrimaryKeyConstraint("id", name="pk_api_tokens"),
        sa.UniqueConstraint("name", name="uq_api_tokens_name"),
        sa.UniqueConstraint("digest", name="uq_api_tokens_digest"),
    )
    op.create_table(
        "sessions",
        *words("digest"),
        *user("sessions"),
        at("created_at"),
        at("expires_at"),
        sa.PrimaryKeyConstraint("digest", name="pk_sessions"),
    )
    op.create_table(
        "audit",
        own_id(),
        at("at"),
        *words("who", "action", "subject"),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_index("ix_api_tokens_user_id", "api_tokens", ["user_id"])
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
