"""How much the database holds, and giving space back."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, Table, func, select, text

from mfl_lint.core.views import StoreSizes, TableSize
from mfl_lint.store import migrate, tables
from mfl_lint.store.addresses import parse_address, sqlite_file
from mfl_lint.store.engine import Store
from mfl_lint.store.pace import paced

_PAGES_AT_ONCE: Final = 1000
# When a row came, where its table says so.
_CAME: Final = {
    "acknowledgements": "at",
    "audit": "at",
    "crawls": "started_at",
    "documents": "fetched_at",
    "findings": "first_seen_at",
    "ignores": "created_at",
    "layers": "read_at",
    "look_requests": "requested_at",
    "messages": "created_at",
    "chores": "at",
    "orphans": "since",
    "outbox": "created_at",
    "presence": "looked_at",
    "push_audit": "at",
    "silences": "created_at",
    "tag_history": "seen_at",
    "tags": "first_seen_at",
    "transitions": "at",
}
# With their indexes.
_SQLITE_BYTES: Final = text(
    "SELECT m.tbl_name, sum(d.pgsize) FROM dbstat d JOIN sqlite_master m ON m.name = d.name "
    "WHERE d.aggregate = 1 GROUP BY m.tbl_name"
)
_SQLITE_KNOWS: Final = text("SELECT 1 FROM pragma_module_list WHERE name = 'dbstat'")
_POSTGRESQL_BYTES: Final = text(
    "SELECT relname, pg_total_relation_size(oid) FROM pg_class "
    "WHERE relkind IN ('r', 'p') AND relnamespace = CAST(current_schema() AS regnamespace)"
)


async def sizes(store: Store) -> StoreSizes:
    """Return rows and bytes of each table, with the times of its oldest and its newest row.

    On a large database this takes a while: every row is counted.
    """
    return await store.read(_sizes)


def _sizes(connection: Connection) -> StoreSizes:
    taken = _bytes(connection)
    found = {
        table.name: _size(connection, table, taken.get(table.name, 0))
        for table in tables.metadata.sorted_tables
    }
    return StoreSizes(_whole(connection), _free(connection), dict(sorted(found.items())))


def _bytes(connection: Connection) -> dict[str, int]:
    """Return the bytes of each table; none where SQLite was built without counting them."""
    if connection.dialect.name == "postgresql":
        return dict(map(tuple, connection.execute(_POSTGRESQL_BYTES).all()))
    if connection.execute(_SQLITE_KNOWS).first() is None:
        return {}
    return dict(map(tuple, connection.execute(_SQLITE_BYTES).all()))


def _size(connection: Connection, table: Table, taken: int) -> TableSize:
    came = _CAME.get(table.name)
    columns = [func.count(), *((func.min(table.c[came]), func.max(table.c[came])) if came else ())]
    rows, *times = connection.execute(select(*columns).select_from(table)).one()
    oldest, newest = times or (None, None)
    return TableSize(int(rows), taken, oldest, newest)


def _whole(connection: Connection) -> int:
    if connection.dialect.name == "sqlite":
        return _pragma(connection, "page_count") * _pragma(connection, "page_size")
    return int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)


def _free(connection: Connection) -> int:
    """Return how much of an SQLite file holds nothing; PostgreSQL does not say."""
    if connection.dialect.name != "sqlite":
        return 0
    return _pragma(connection, "freelist_count") * _pragma(connection, "page_size")


def _pragma(connection: Connection, name: str) -> int:
    return int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())


async def give_back(store: Store) -> int:
    """Give free pages of an SQLite file back to the disk, in steps; return how many.

    Files of releases up to 0.3.0 keep theirs until `compact` made them anew.
    """
    if store.dialect != "sqlite":
        return 0
    given = 0
    while number := await paced(lambda: store.write(_give_back)):
        given += number
    return given


def _give_back(connection: Connection) -> int:
    before = _pragma(connection, "freelist_count")
    if not before or _pragma(connection, "auto_vacuum") != 2:
        return 0
    cursor = connection.connection.cursor()
    for _ in range(min(before, _PAGES_AT_ONCE)):
        # More than one page is a step for each, of which the driver takes the first only.
        cursor.execute("PRAGMA incremental_vacuum(1)")
    return before - _pragma(connection, "freelist_count")


def compact(url: str) -> tuple[int, int]:
    """Write the database anew without its holes; return its bytes before and after. Synchronous.

    On SQLite nobody else can write meanwhile, and the disk needs room for another copy. PostgreSQL
    takes what was removed for what comes (VACUUM), and plans anew.
    """
    file = sqlite_file(parse_address(url))
    with migrate.opened(url, may_create=False) as (engine, _):
        if file is None:
            alone = engine.execution_options(isolation_level="AUTOCOMMIT")
            with alone.connect() as connection:
                before = _whole(connection)
                connection.execute(text("VACUUM (ANALYZE)"))
                return before, _whole(connection)
        before = file.stat().st_size
        driver = engine.raw_connection()
        try:
            cursor = driver.cursor()
            for said in ("auto_vacuum = INCREMENTAL", "VACUUM", "wal_checkpoint(TRUNCATE)"):
                cursor.execute(said if said == "VACUUM" else f"PRAGMA {said}")
        finally:
            driver.close()
        return before, file.stat().st_size
