"""`mfl-lint db`: create, upgrade, check, back up and restore the database."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from mfl_lint.cli import exit_codes, options


@click.group("db")
def command() -> None:
    """Create, upgrade, check, back up and restore the database."""


@command.command("upgrade")
@options.config_option
@options.debug_option
def upgrade(config_path: Path | None) -> int:
    """Create the database, or bring it to this release's schema."""
    from mfl_lint.cli.settings import settings
    from mfl_lint.service.crawling import bring_up_to_date, database_url
    from mfl_lint.store import migrate

    config = settings(config_path)
    url = database_url(config)
    before = migrate.revision(url)
    after = bring_up_to_date(config, url)
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


@command.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@options.config_option
@options.debug_option
def backup(file: Path, force: bool, config_path: Path | None) -> int:
    """Write all of the database to FILE, as it is at one instant, while others use it.

    FILE is an SQLite database, of PostgreSQL too; `mfl-lint db restore` takes it into either. It
    holds hashes of passwords and tokens, and is readable by its owner only.

    Exit codes: 0 it is written, 2 FILE is there or configuration, 3 it could not be written.
    """
    from mfl_lint.cli.settings import settings
    from mfl_lint.report.inert import inert
    from mfl_lint.service.crawling import database_url
    from mfl_lint.store.backup import back_up

    size_bytes = back_up(database_url(settings(config_path)), file, force=force)
    click.echo(f"The database is backed up in {inert(str(file))} ({size_bytes} bytes).")
    return exit_codes.OK


@command.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace all that a database holds that is there.")
@options.config_option
@options.debug_option
def restore(file: Path, force: bool, config_path: Path | None) -> int:
    """Put a backup in the place of the database, brought to this release's schema.

    Nobody may use the database meanwhile. All or nothing: on any error it is as it was.

    Exit codes: 0 it is restored, 2 FILE is no backup, or there is a database, or configuration,
    3 the database is in use, or could not be written.
    """
    from mfl_lint.cli.settings import settings
    from mfl_lint.report.inert import inert
    from mfl_lint.service.crawling import database_url
    from mfl_lint.store.backup import restore as put_back

    schema = put_back(database_url(settings(config_path)), file, force=force)
    click.echo(f"The database is restored from {inert(str(file))}; it is at schema {schema}.")
    return exit_codes.OK


async def _print_figures(url: str) -> None:
    from mfl_lint.store.dump import figures
    from mfl_lint.store.engine import open_store

    async with open_store(url) as store:
        shown = await figures(store)
    for name, rows in shown.rows.items():
        click.echo(f"  {name:<20} {rows:>10} rows")
