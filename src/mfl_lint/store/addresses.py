"""Database addresses: from what the configuration says to what the drivers take."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from mfl_lint.core.errors import ConfigInvalid

_POSTGRESQL: Final = frozenset({"postgresql", "postgres", "postgresql+psycopg"})


def _sqlite(address: URL) -> URL:
    path = address.database or ""
    if path in ("", ":memory:") or path.startswith("file:") or address.host:
        raise ConfigInvalid("database.url must name a file: sqlite:///path/to/mfl-lint.db")
    return URL.create("sqlite+pysqlite", database=path)


def parse_address(url: str) -> URL:
    """Return the address with its driver; ConfigInvalid for what is not supported, here or ever."""
    address = known_address(url)
    if sqlite_file(address) is None and find_spec("psycopg") is None:
        raise ConfigInvalid("PostgreSQL needs its driver: pip install '.[postgresql]'")
    return address


def known_address(url: str) -> URL:
    """Return the address, whether its driver is here or not; ConfigInvalid for any other."""
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigInvalid("database.url is not a database's address") from None
    if address.drivername == "sqlite":
        return _sqlite(address)
    if address.drivername not in _POSTGRESQL:
        known = "sqlite:///path or postgresql://user@host/database"
        raise ConfigInvalid(f"database.url begins with {address.drivername[:40]!r}; use {known}")
    return address.set(drivername="postgresql+psycopg")


def sqlite_file(address: URL) -> Path | None:
    """Return the file of an SQLite address, None for PostgreSQL."""
    return Path(address.database or "") if address.get_backend_name() == "sqlite" else None


def shown(address: URL) -> str:
    """Return the address for people, without its password."""
    file = sqlite_file(address)
    if file is not None:
        return str(file)
    return URL.create(
        "postgresql", host=address.host, port=address.port, database=address.database
    ).render_as_string()


def one_line(error: BaseException) -> str:
    """Return the driver's message as one bounded line."""
    original = getattr(error, "orig", None) or error
    lines = str(original).strip().splitlines() or [type(original).__name__]
    return lines[0][:200]


def sqlite_url(file: Path) -> str:
    """Return the URL of an SQLite file."""
    return URL.create("sqlite", database=str(file)).render_as_string()
