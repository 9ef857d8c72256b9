"""What retention goes by: documents that nothing leads to. Tags are found by name, and by rank."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None
# The oldest revision whose programs may go on with a database of this one.
oldest = "0007"

TOKEN = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

STANDS = "error + warning + info + unknown > 0"
UNLISTED = "watched AND gone_at IS NULL AND (look IS NULL OR look <> 'verified')"


def upgrade() -> None:
    """Begin with none."""
    op.create_table(
        "orphans",
        sa.Column("digest", TOKEN, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_orphans"),
    )
    op.create_index("ix_orphans_since", "orphans", ["since"])
    op.create_index("ix_tags_name", "tags", ["name"])
    op.drop_index("ix_tags_broken", "tags")
    partly("ix_tags_broken", "tags", ["error", "warning", "unknown", "id"], STANDS)
    partly("ix_repositories_unlisted", "repositories", ["registry_id"], UNLISTED)


def partly(name: str, table: str, columns: list[str], where: str) -> None:
    """Create an index of the rows for which the condition holds."""
    op.create_index(
        name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
    )
