"""`mfl-lint worker`: crawl what the service enqueues."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import click

from mfl_lint.cli import options


@click.command("worker")
@click.option(
    "--concurrency",
    type=click.IntRange(1, 256),
    default=8,
    show_default=True,
    help="How many jobs at a time.",
)
@options.config_option
@options.debug_option
def command(concurrency: int, config_path: Path | None) -> int:
    """Crawl what the service enqueues, on this machine or any other.

    It needs the service's settings, with `[queue] backend = "postgresql"`. A job is one
    repository. SIGHUP reads the settings again. SIGTERM ends: what is being crawled is crawled to
    its end, for 20 seconds at most; others go on with what is left then.
    """
    from mfl_lint.cli.log import show_log
    from mfl_lint.cli.settings import read_again, settings
    from mfl_lint.service.worker import work

    config = settings(config_path)
    show_log(config.serve)

    def announce() -> None:
        click.echo(f"mfl-lint works, {concurrency} jobs at a time (Ctrl-C ends)")

    load = partial(read_again, config, config_path)
    asyncio.run(work(load, concurrency=concurrency, ready=announce))
    return 0
