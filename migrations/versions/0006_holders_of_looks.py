"""Who took a look that was asked for: what a killed process took is free at the next start."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the holder; of what is taken now nobody knows it."""
    op.add_column("look_requests", sa.Column("holder", WORDS))
