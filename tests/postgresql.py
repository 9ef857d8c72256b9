"""A throw-away PostgreSQL cluster for the tests, from the binaries that are installed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from tests.servers import free_port, stop_process, wait_until_ready


def postgresql_binaries() -> Path | None:
    """Return the folder of the newest PostgreSQL that is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@contextlib.contextmanager
def postgresql(binaries: Path) -> Iterator[str]:
    """Run a new cluster on loopback; yield its URL. Nothing of it survives."""
    # Not below pytest's folder: the server runs as another user, who cannot look in there.
    folder = Path(tempfile.mkdtemp(prefix="mfl-lint-postgresql-"))
    user: dict[str, Any] = {}
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
        user = {"user": "postgres", "group": "postgres", "extra_groups": []}
    data, log, port = folder / "data", folder / "log", free_port()
    try:
        setup: list[str | Path] = [
            binaries / "initdb",
            "-D",
            data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
        ]
        subprocess.run(
            [*setup, "--locale=C.UTF-8", "--no-sync", "--no-instructions"],
            check=True,
            capture_output=True,
            cwd=folder,
            **user,
        )
        with _server(binaries, data, port, log, user):
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def _server(
    binaries: Path, data: Path, port: int, log: Path, user: dict[str, Any]
) -> Iterator[None]:
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": "",
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "max_connections": 100,
        "shared_buffers": "32MB",
    }
    options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [binaries / "postgres", "-D", data, *options],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=data,
            **user,
        )
    url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    try:
        wait_until_ready(process, lambda: _connects(url), log)
        yield
    finally:
        stop_process(process, signal.SIGINT)


def _connects(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False


@contextlib.contextmanager
def fresh_database(url: str, name: str) -> Iterator[str]:
    """Make an empty database in a cluster; yield its URL and drop it afterwards."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    try:
        yield url.rpartition("/")[0] + f"/{name}"
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def forbid(url: str, name: str) -> None:
    """End all connections to a database, and let nobody connect."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )


def allow(url: str, name: str) -> None:
    """Let everybody connect to a database again."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())
