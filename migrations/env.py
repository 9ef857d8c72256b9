"""Run by Alembic: migrations in the transaction that the caller opened.

The connection comes from `mfl_lint.store.migrate`, which also takes the locks.
"""

from alembic import context

from mfl_lint.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
)
context.run_migrations()
