"""What was read of layers; crawls of single repositories."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the layers; no crawl that is recorded is known to have been partial."""
    op.create_table(
        "layers",
        sa.Column("digest", WORDS, nullable=False),
        sa.Column("summary", sa.LargeBinary(), nullable=False),
        sa.Column("read_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_layers"),
    )
    op.add_column(
        "crawls",
        sa.Column("partial", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
