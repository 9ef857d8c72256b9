"""What one process does for all now and then, and when that was done last."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None
# The oldest revision whose programs may go on with a database of this one.
oldest = "0007"

TOKEN = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Begin with none."""
    op.create_table(
        "chores",
        sa.Column("name", TOKEN, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_chores"),
    )
