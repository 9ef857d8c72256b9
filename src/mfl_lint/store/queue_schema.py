"""The queue's own PostgreSQL schema: procrastinate's tables and ours, made and kept up to date."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, insert, inspect, select, text, update

from mfl_lint.core.errors import ConfigInvalid, StoreError
from mfl_lint.store.addresses import known_address, sqlite_file
from mfl_lint.store.migrate import opened
from mfl_lint.store.queue_tables import QUEUE_SCHEMA, installed, leader, queue_metadata

_LOCK: Final = 0x6D666C71
# Older ones know no idle_session_timeout.
_OLDEST: Final = 140000
_LIVING: Final = text(
    f"SELECT count(*) FROM {QUEUE_SCHEMA}.procrastinate_workers"  # noqa: S608
    " WHERE last_heartbeat >= now() - make_interval(secs => :seconds)"
)
# procrastinate wakes workers for a new job, not for a lock that becomes free: these two do.
_FREED: Final = """
CREATE OR REPLACE FUNCTION mfl_lint_lock_freed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify(
        'procrastinate_queue_v1#' || OLD.queue_name,
        json_build_object('type', 'job_inserted', 'job_id', OLD.id)::text
    );
    RETURN NULL;
END;
$$;
DROP TRIGGER IF EXISTS mfl_lint_lock_freed ON procrastinate_jobs;
CREATE TRIGGER mfl_lint_lock_freed AFTER UPDATE OF status ON procrastinate_jobs
    FOR EACH ROW WHEN (OLD.status = 'doing' AND NEW.status <> 'doing' AND OLD.lock IS NOT NULL)
    EXECUTE FUNCTION mfl_lint_lock_freed();
DROP TRIGGER IF EXISTS mfl_lint_lock_gone ON procrastinate_jobs;
CREATE TRIGGER mfl_lint_lock_gone AFTER DELETE ON procrastinate_jobs
    FOR EACH ROW WHEN (OLD.status = 'doing' AND OLD.lock IS NOT NULL)
    EXECUTE FUNCTION mfl_lint_lock_freed();
"""


def check_queueable(url: str) -> None:
    """Raise ConfigInvalid where the database is one that can have no queue."""
    if sqlite_file(known_address(url)) is not None:
        raise ConfigInvalid(
            'queue.backend: "postgresql" needs database.url to be a PostgreSQL database; '
            '"memory" needs none'
        )


def check_possible(url: str) -> None:
    """Raise ConfigInvalid where there can be no queue: another database, or no procrastinate."""
    check_queueable(url)
    if find_spec("procrastinate") is None:
        raise ConfigInvalid("queue.backend: it needs more: pip install '.[queue]'")


def upgrade_queue(url: str) -> None:
    """Make the queue's schema, or bring it up to date; any number of processes may at once."""
    check_possible(url)
    with opened(url, may_create=False) as (engine, name), engine.begin() as connection:
        _refuse_old(connection, name)
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        if inspect(connection).has_table("installed", schema=QUEUE_SCHEMA):
            known = connection.scalar(select(installed.c.migration)) or ""
        else:
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {QUEUE_SCHEMA}"))
            known = ""
        queue_metadata.create_all(connection)
        connection.execute(text(f"SET LOCAL search_path TO {QUEUE_SCHEMA}"))
        _bring_up_to_date(connection, known, name)


def living_workers(url: str, within_s: float) -> int | None:
    """Return how many workers gave a sign of life within that time; None without a queue."""
    check_possible(url)
    with opened(url, may_create=False) as (engine, _), engine.begin() as connection:
        if not inspect(connection).has_table("procrastinate_workers", schema=QUEUE_SCHEMA):
            return None
        return int(connection.scalar(_LIVING, {"seconds": within_s}) or 0)


def _refuse_old(connection: Connection, name: str) -> None:
    """Raise ConfigInvalid where the database cannot cut off a leader that says nothing."""
    driver: Any = connection.connection.driver_connection
    if driver.info.server_version < _OLDEST:
        found, oldest = driver.info.server_version // 10000, _OLDEST // 10000
        raise ConfigInvalid(
            f"queue.backend: the database {name} is PostgreSQL {found}, and a queue needs "
            f'{oldest} or newer; "memory" does not'
        )


def empty_queue(connection: Connection) -> None:
    """Forget jobs and rounds, if there is a queue: what they name is another in the new tables.

    Who leads next has a number that nobody had before, all the same.
    """
    tables = inspect(connection).get_table_names(schema=QUEUE_SCHEMA)
    lasting = {table.name for table in (leader, installed)}
    names = ", ".join(f'{QUEUE_SCHEMA}."{name}"' for name in tables if name not in lasting)
    if names:
        connection.execute(text(f"TRUNCATE {names}"))


def _bring_up_to_date(connection: Connection, known: str, name: str) -> None:
    """Apply what procrastinate's release has and the schema has not."""
    from procrastinate.schema import SchemaManager

    scripts = sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    newest = scripts[-1].name if scripts else ""
    if known > newest:
        raise StoreError(
            f"the database {name} has a queue of a newer mfl-lint or procrastinate ({known[:60]}): "
            "use that release here too"
        )
    if not known:
        whole = files("procrastinate.sql").joinpath("schema.sql").read_text("utf-8")
        _run(connection, [whole, _FREED])
        connection.execute(insert(installed).values(one=1, migration=newest))
    elif known < newest:
        missing = [one.read_text("utf-8") for one in scripts if one.name > known]
        _run(connection, [*missing, _FREED])
        connection.execute(update(installed).values(migration=newest))


def _run(connection: Connection, scripts: Iterable[str]) -> None:
    """Run whole scripts as they are: the driver takes many statements where nothing is bound."""
    cursor = connection.connection.cursor()
    for script in scripts:
        cursor.execute(script)
    cursor.close()
