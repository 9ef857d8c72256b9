"""What lists are read by: a revision for each registry, and indexes of what stands."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UNCERTAIN = (
    "watched AND gone_at IS NULL AND (look <> 'verified' OR complete IS NOT TRUE OR unsettled)"
)
STANDS = "state <> 'resolved'"
WORST = ["weight", "first_seen_at", "id"]


def upgrade() -> None:
    """Begin each registry's revision at 0, and index what is asked for most."""
    op.add_column("registries", sa.Column("revision", ID, nullable=False, server_default="0"))
    partly("ix_tags_uncertain", "tags", ["repository_id"], UNCERTAIN)
    partly("ix_findings_standing", "findings", WORST, STANDS)
    partly("ix_findings_standing_registry", "findings", ["registry_id", *WORST], STANDS)
    partly("ix_findings_standing_rule", "findings", ["rule", *WORST], STANDS)


def partly(name: str, table: str, columns: list[str], where: str) -> None:
    """Create an index of the rows for which the condition holds."""
    op.create_index(
        name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
    )
