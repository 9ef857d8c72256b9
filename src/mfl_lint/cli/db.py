"""`mfl-lint db`: create, upgrade and check the database."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from mfl_lint.cli import exit_codes, options


@click.group("db")
def command() -> None:
    """Create, upgrade and check the database."""


@command.command("upgrade")
@options.config_option
@options.debug_option
def upgrade(config_path: Path | None) -> int:
    """Create the database, or bring it to this release's schema."""
    from mfl_lint.cli.settings import settings
    from mfl_lint.service.crawling import database_url
    from mfl_lint.store import migrate

    url = database_url(settings(config_path))
    before = migrate.revision(url)
    after = migrate.upgrade(url)
    text = f"is at schema {after}" if before == after else f"upgraded: {before or 'new'} to {after}"
    click.echo(f"The database {text}.")
    return exit_codes.OK


@command.command("check")
@options.config_option
@options.debug_option
def check(config_path: Path | None) -> int:
    """Compare the database's tables with this release's, and show what it holds.

    Exit codes: 0 they are alike, 1 they differ, 2 configuration, 3 it cannot be read.
    """
    from mfl_lint.cli.settings import settings
    from mfl_lint.report.inert import inert
    from mfl_lint.service.crawling import database_url
    from mfl_lint.store import migrate

    url = database_url(settings(config_path))
    found, needed = migrate.revision(url), migrate.head()
    differences = migrate.check(url)
    click.echo(f"schema {found or 'none'}, this release needs {needed}")
    if found == needed:
        asyncio.run(_print_figures(url))
    for difference in differences:
        click.echo(f"  differs: {inert(difference)}")
    if found != needed:
        click.echo("Next: `mfl-lint db upgrade`.")
    alike = found == needed and not differences
    return exit_codes.OK if alike else exit_codes.FINDINGS


async def _print_figures(url: str) -> None:
    from mfl_lint.store.dump import figures
    from mfl_lint.store.engine import open_store

    async with open_store(url) as store:
        shown = await figures(store)
    for name, rows in shown.rows.items():
        click.echo(f"  {name:<20} {rows:>10} rows")
