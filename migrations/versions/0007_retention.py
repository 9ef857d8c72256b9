"""What retention goes by: documents that nothing leads to any more, and since when."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None
# The oldest revision whose programs may go on with a database of this one.
oldest = "0007"

TOKEN = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Begin with none."""
    op.create_table(
        "orphans",
        sa.Column("digest", TOKEN, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_orphans"),
    )
    op.create_index("ix_orphans_since", "orphans", ["since"])
