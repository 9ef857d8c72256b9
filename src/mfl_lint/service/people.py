"""The database as the commands for users and tokens need it."""

from __future__ import annotations

import asyncio
import getpass
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mfl_lint.config import Config
from mfl_lint.core.errors import StoreError
from mfl_lint.service.crawling import database_url
from mfl_lint.store import migrate, users
from mfl_lint.store.addresses import parse_address, shown
from mfl_lint.store.engine import Store, open_store


@asynccontextmanager
async def open_people(config: Config) -> AsyncIterator[Store]:
    """Bring the database up to date, creating it if needed, and yield it."""
    url = database_url(config)
    await asyncio.to_thread(migrate.upgrade, url)
    async with open_store(url) as store:
        yield store


async def is_there(config: Config) -> bool:
    """Say whether there is a database: who only reads need create none."""
    return await asyncio.to_thread(migrate.revision, database_url(config)) is not None


async def check_there(config: Config) -> None:
    """Raise StoreError where there is no database."""
    if not await is_there(config):
        name = shown(parse_address(database_url(config)))
        raise StoreError(
            f"there is no database {name}: `mfl-lint db upgrade` or a crawl creates it"
        )


async def names_of_users(config: Config) -> frozenset[str]:
    """Return who is known, from a database of this release's schema."""
    async with open_store(database_url(config)) as store:
        return frozenset(user.name for user in await users.all_users(store))


def at_the_shell() -> str:
    """Return who runs this command, for the audit."""
    try:
        return f"shell:{getpass.getuser()}"
    except (KeyError, OSError):
        return f"shell:{os.getuid()}"
