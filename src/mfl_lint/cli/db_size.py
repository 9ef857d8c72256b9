"""`mfl-lint db stats`, `retain` and `compact`: how much there is, and how much of it stays."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

import click
import msgspec

from mfl_lint.cli import exit_codes, options
from mfl_lint.config import Config
from mfl_lint.core.views import StoreSizes


class Stats(msgspec.Struct, frozen=True):
    """What `db stats --json` prints. `removable`: what retention would remove now."""

    sizes: StoreSizes
    tags: int
    bytes_per_tag: int
    removable: dict[str, int]
    version: int = 1


@click.command("stats")
@click.option("--json", "as_json", is_flag=True, help="Print one object of JSON.")
@options.config_option
@options.debug_option
def stats(as_json: bool, config_path: Path | None) -> int:
    """Show rows and bytes of each table, and what [retention] would remove now.

    Every row is counted: on a large database that takes a while. Nothing is changed.
    """
    from mfl_lint.cli.settings import settings

    found = asyncio.run(_stats(settings(config_path)))
    if as_json:
        click.echo(msgspec.json.encode(found))
        return exit_codes.OK
    whole = found.sizes
    click.echo(
        f"{_size(whole.bytes)} ({_size(whole.free_bytes)} of it free) for {found.tags} tags: "
        f"{_size(found.bytes_per_tag)} a tag"
    )
    for name, one in whole.tables.items():
        spell = f"{_day(one.oldest)} to {_day(one.newest)}" if one.oldest else ""
        click.echo(f"  {name:<20} {one.rows:>10} rows {_size(one.bytes):>10}  {spell}".rstrip())
    _print_removed(found.removable, "Retention would remove")
    return exit_codes.OK


@click.command("retain")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@options.config_option
@options.debug_option
def retain(dry_run: bool, config_path: Path | None) -> int:
    """Remove what [retention] does not keep, as `serve` does once a day.

    In short transactions: crawls and pages go on meanwhile, and whatever is cut off goes on at the
    next time. Findings that stand, and what rules and pages compare them with, always stay.
    Documents that nothing leads to are noted first, and removed when they were for long enough.
    """
    from mfl_lint.cli.settings import settings

    removed = asyncio.run(_retain(settings(config_path), dry_run=dry_run))
    _print_removed(removed, "Retention would remove" if dry_run else "Retention removed")
    return exit_codes.OK


@click.command("compact")
@options.config_option
@options.debug_option
def compact(config_path: Path | None) -> int:
    """Write the database anew without the space that was freed.

    On SQLite nobody can write meanwhile, and the disk needs room for another copy.
    """
    from mfl_lint.cli.settings import settings
    from mfl_lint.service.crawling import database_url
    from mfl_lint.store import sizes

    before, after = sizes.compact(database_url(settings(config_path)))
    click.echo(f"The database takes {_size(after)}; it took {_size(before)}.")
    return exit_codes.OK


async def _stats(config: Config) -> Stats:
    from mfl_lint.service.crawling import database_url, utc_now
    from mfl_lint.store import retention, sizes
    from mfl_lint.store.engine import open_store

    async with open_store(database_url(config)) as store:
        found = await sizes.sizes(store)
        removable = await retention.retain(store, config.retention, utc_now(), dry_run=True)
    tags = found.tables["tags"].rows
    return Stats(found, tags, found.bytes // max(tags, 1), removable)


async def _retain(config: Config, *, dry_run: bool) -> dict[str, int]:
    from mfl_lint.service.crawling import database_url, utc_now
    from mfl_lint.store import retention, sizes
    from mfl_lint.store.engine import open_store

    async with open_store(database_url(config)) as store:
        removed = await retention.retain(store, config.retention, utc_now(), dry_run=dry_run)
        if not dry_run:
            await sizes.give_back(store)
    return removed


def _print_removed(removed: dict[str, int], said: str) -> None:
    some = {name: number for name, number in removed.items() if number}
    click.echo(f"{said} {'these rows:' if some else 'nothing.'}")
    for name, number in some.items():
        click.echo(f"  {name:<20} {number:>10}")


def _size(number: int) -> str:
    if number < 10_000:
        return f"{number} B"
    return f"{number / 1e3:.0f} kB" if number < 10_000_000 else f"{number / 1e6:.0f} MB"


def _day(at: datetime | None) -> str:
    return at.date().isoformat() if at else ""
