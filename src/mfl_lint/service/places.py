"""Whether what the settings name of databases and files is there, and works together."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from mfl_lint.config import Config
from mfl_lint.core.errors import ConfigInvalid, StoreError
from mfl_lint.service.crawling import database_url
from mfl_lint.service.soundness import Check
from mfl_lint.store import migrate
from mfl_lint.store.addresses import known_address, parse_address, sqlite_file
from mfl_lint.store.queue_schema import check_possible, check_queueable, living_workers

_ANOTHER: Final = 'name a PostgreSQL database, or set queue.backend = "memory"'


def mistaken(config: Config, environment: Mapping[str, str]) -> Iterator[str]:
    """Yield what can work on no machine; what a variable holds that is not set is not known."""
    url = environment.get(config.database.url_env, "").strip()
    url = url if config.database.url_env else config.database.url
    if not url:
        return
    try:
        known_address(url)
        if config.queue.backend == "postgresql":
            check_queueable(url)
    except ConfigInvalid as error:
        yield str(error)


def absent(config: Config, environment: Mapping[str, str]) -> Iterator[str]:
    """Yield what is not there on this machine, one line each."""
    name = config.database.url_env
    if name and not environment.get(name, "").strip():
        unset = f"database.url_env: the environment variable {name} is not set"
        yield f"{unset}: set it wherever mfl-lint runs"
    for registry in config.registries:
        if registry.ca_file and not Path(registry.ca_file).is_file():
            missing = f"registry {registry.name}: ca_file: there is no file {registry.ca_file}"
            yield f"{missing}: put the certificates there, or correct the path"


def checked_places(config: Config) -> Iterator[Check]:
    """Yield how the database is, and the queue where there is to be one."""
    try:
        url = database_url(config)
        file = sqlite_file(parse_address(url))
    except ConfigInvalid as error:
        yield Check("database", False, str(error), "see [database] in the configuration")
        return
    if file is not None:
        yield Check("SQLite", True, sqlite3.sqlite_version)
    database = _database(url)
    yield database
    if config.queue.backend == "postgresql" and (file is not None or database.ok):
        yield _queue(url, config.queue.stalled_s)


def _database(url: str) -> Check:
    upgrade = "`mfl-lint db upgrade`"
    try:
        found, needed, server = migrate.revision(url), migrate.head(), migrate.server(url)
    except StoreError as error:
        return Check("database", False, str(error), "see [database] in the configuration")
    if found == needed:
        return Check("database", True, f"schema {found}{server and ' in '}{server}")
    if found is None:
        return Check("database", None, "not created yet", f"{upgrade} or a crawl creates it")
    return Check("database", False, f"schema {found}, {needed} is needed", upgrade)


def _queue(url: str, stalled_s: float) -> Check:
    """Return whether anybody does what the service enqueues."""
    try:
        check_queueable(url)
    except ConfigInvalid as error:
        return Check("queue", False, str(error), _ANOTHER)
    try:
        check_possible(url)
        number = living_workers(url, stalled_s)
    except (ConfigInvalid, StoreError) as error:
        return Check("queue", False, str(error), "see [queue] in the configuration")
    if number is None:
        return Check("queue", False, "it was not made yet", "`mfl-lint db upgrade` makes it")
    if not number:
        said = f"no worker gave a sign of life for {stalled_s:g} s: nothing is crawled"
        return Check("queue", False, said, "start `mfl-lint worker`, here or elsewhere")
    return Check("queue", True, f"{number} worker{'s' * (number > 1)} at work")
