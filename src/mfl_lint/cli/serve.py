"""`mfl-lint serve`: crawl on schedule and serve pages."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mfl_lint.cli import options

if TYPE_CHECKING:
    from mfl_lint.config import Config


@click.command("serve")
@click.option(
    "--insecure-no-auth",
    "insecure",
    is_flag=True,
    help="Show everything to everybody who reaches an address that is not loopback, while there "
    "are no users.",
)
@options.config_option
@options.debug_option
def command(insecure: bool, config_path: Path | None) -> int:
    """Crawl on schedule and serve the reports as pages.

    Bound to loopback, or to any address once it is known who may see what: see `mfl-lint users`.
    SIGHUP reads the settings again, SIGTERM ends.
    """
    from mfl_lint.cli.log import show_log
    from mfl_lint.cli.settings import settings
    from mfl_lint.config_file import find_config, load_config
    from mfl_lint.service.serving import serve

    config = settings(config_path)
    show_log(config.serve)
    path = config.path

    def load() -> Config:
        """Read the file that was found at the start: one that is gone since is a mistake."""
        return load_config(path) if path is not None else find_config(config_path)

    asyncio.run(serve(load, ready=_announce, insecure=insecure))
    return 0


def _announce(address: str) -> None:
    click.echo(f"mfl-lint serves {address} (Ctrl-C ends)")
