"""An index of what names of repositories hold, where PostgreSQL has pg_trgm and lets it be used."""

from contextlib import suppress

from alembic import op
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None
# The oldest revision whose programs may go on with a database of this one.
oldest = "0007"


def upgrade() -> None:
    """Make it, unless the extension is not there or may not be made: searches do without."""
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    with suppress(DBAPIError), connection.begin_nested():
        connection.execute(text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
        connection.execute(
            text(
                "CREATE INDEX IF NOT EXISTS ix_repositories_name_parts"
                " ON repositories USING gin (name gin_trgm_ops)"
            )
        )
