"""`mfl-lint serve`: crawl on schedule and serve pages."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from mfl_lint.cli import options


@click.command("serve")
@options.config_option
@options.debug_option
def command(config_path: Path | None) -> int:
    """Crawl on schedule and serve the reports as pages.

    Bound to loopback only: there is no access control yet. SIGHUP reads the settings again,
    SIGTERM ends.
    """
    from mfl_lint.config_file import find_config
    from mfl_lint.service.serving import serve

    options.show_log()
    asyncio.run(serve(lambda: find_config(config_path), ready=_announce))
    return 0


def _announce(address: str) -> None:
    click.echo(f"mfl-lint serves {address} (Ctrl-C ends)")
