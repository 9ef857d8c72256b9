"""`mfl-lint db`: create, upgrade, check, back up, restore and move the database."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import click

from mfl_lint.cli import db_size, exit_codes, options


@click.group("db")
def command() -> None:
    """Upgrade, check, back up, restore, move and measure the database."""


command.add_command(db_size.stats)
command.add_command(db_size.retain)
command.add_command(db_size.compact)


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

    Exit codes: 0 they are alike, or newer ones that this release may use, 1 they differ,
    2 configuration, 3 it cannot be read.
    """
    from mfl_lint.cli.settings import settings
    from mfl_lint.report.inert import inert
    from mfl_lint.service.crawling import database_url
    from mfl_lint.store import migrate

    url = database_url(settings(config_path))
    found, oldest = migrate.revisions(url)
    needed = migrate.head()
    allowed = f"programs whose schema is {oldest} or later may use it"
    if found is not None and oldest is not None and oldest <= needed < found:
        click.echo(f"schema {inert(found)}, newer than this release's {needed}: {inert(allowed)}")
        return exit_codes.OK
    differences = migrate.check(url)
    click.echo(f"schema {found or 'none'}, this release needs {needed}")
    if oldest is not None:
        click.echo(inert(allowed))
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


@command.command("move")
@click.argument("target", required=False)
@click.option("--to-env", metavar="NAME", help="The environment variable that holds TARGET.")
@options.config_option
@options.debug_option
def move(target: str | None, to_env: str | None, config_path: Path | None) -> int:
    """Copy all of the database to TARGET, SQLite or PostgreSQL, with all of its history.

    TARGET is an address (`postgresql://user@host/name`, `sqlite:///file`) where nothing is yet;
    one with a password is better given with --to-env. Nobody may use the database meanwhile. All or
    nothing; each table is read again at the target and compared row for row by its checksum. The
    old database stays as it is: set [database] to the new one, and keep the old until that runs.

    Exit codes: 0 it is moved, 2 something is at TARGET or configuration, 3 the database is in use,
    or could not be read or written.
    """
    from mfl_lint.cli.settings import settings
    from mfl_lint.service.crawling import database_url, variable
    from mfl_lint.store.moving import move as move_all

    if (target is None) == (to_env is None):
        raise click.UsageError("give either TARGET or --to-env NAME")
    to = target or variable(to_env or "", "--to-env")
    begun = time.monotonic()
    copied = move_all(database_url(settings(config_path)), to, _print_table)
    spent_s = time.monotonic() - begun
    click.echo(f"Moved {sum(copied.values())} rows in {spent_s:.1f} s; each table is the same.")
    click.echo("Next: set [database] url or url_env to the new address.")
    return exit_codes.OK


def _print_table(name: str, rows: int) -> None:
    click.echo(f"  {name:<20} {rows:>10} rows, the same")


async def _print_figures(url: str) -> None:
    from mfl_lint.store.dump import figures
    from mfl_lint.store.engine import open_store

    async with open_store(url) as store:
        shown = await figures(store)
    for name, rows in shown.rows.items():
        click.echo(f"  {name:<20} {rows:>10} rows")
