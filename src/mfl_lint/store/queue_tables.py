"""Tables of what many machines share. They are in a PostgreSQL schema of their own, with the
queue's: nothing in them is worth keeping, and without a queue there are none of them.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    false,
    text,
)

from mfl_lint.store.columns import Time

QUEUE_SCHEMA: Final = "mfl_lint_queue"
# procrastinate's own table of jobs.
JOBS: Final = f"{QUEUE_SCHEMA}.procrastinate_jobs"
queue_metadata: Final = MetaData(schema=QUEUE_SCHEMA)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default="")


# One round at a time of a registry: a crawl that workers carry out. `since` is when the first of
# the interrupted crawls before it began; what listing the repositories came to is beside it.
rounds: Final = Table(
    "rounds",
    queue_metadata,
    Column("crawl_id", BigInteger, primary_key=True, autoincrement=False),
    Column("registry", Text, nullable=False, unique=True),
    Column("host", Text, nullable=False),
    Column("slots", Integer, nullable=False),
    Column("started_at", Time, nullable=False),
    Column("since", Time, nullable=False),
    Column("planned", Boolean, nullable=False, server_default=false()),
    _text("look"),
    _text("detail"),
    Column("complete", Boolean, nullable=False, server_default=false()),
)

# The repositories of a round: waiting, queued (there is a job), done.
parts: Final = Table(
    "parts",
    queue_metadata,
    Column("crawl_id", BigInteger, primary_key=True, autoincrement=False),
    Column("repository", Text(collation="C"), primary_key=True),
    Column("state", Text, nullable=False, server_default="waiting"),
    _text("look"),
    Column("tags", Integer, nullable=False, server_default="0"),
    Column("looked", Integer, nullable=False, server_default="0"),
    _text("detail"),
)
Index(
    "ix_parts_waiting",
    parts.c.crawl_id,
    parts.c.repository,
    postgresql_where=text("state = 'waiting'"),
)

# What all workers must know of a host: until when it is left in peace, and what it still allows.
hosts: Final = Table(
    "hosts",
    queue_metadata,
    Column("host", Text, primary_key=True),
    Column("deferred_until", Float, nullable=False, server_default="0"),
    _text("allowances"),
)

# When a slot of a host was used last, and by whom: who comes next keeps its distance.
slots: Final = Table(
    "slots",
    queue_metadata,
    Column("host", Text, primary_key=True),
    Column("slot", Integer, primary_key=True, autoincrement=False),
    _text("worker"),
    Column("used_at", Float, nullable=False, server_default="0"),
)

# Who leads: one row. Every write of a leader checks its number.
leader: Final = Table(
    "leader",
    queue_metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("fence", BigInteger, nullable=False),
    _text("holder"),
    Column("since", Time, nullable=False),
)

# Which of procrastinate's migrations were applied.
installed: Final = Table(
    "installed",
    queue_metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    _text("migration"),
)
