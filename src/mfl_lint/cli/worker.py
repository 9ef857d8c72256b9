"""`mfl-lint worker`: crawl what the service enqueues."""

from __future__ import annotations

import asyncio
import signal
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
    repository. SIGTERM ends: what is being crawled is crawled to its end, for 20 seconds at
    most; others go on with what is left then.
    """
    from mfl_lint.cli.log import show_log
    from mfl_lint.cli.settings import settings
    from mfl_lint.service.worker import work

    config = settings(config_path)
    show_log(config.serve)

    async def run() -> None:
        ended = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        await work(lambda: config, concurrency=concurrency, ready=_announce, stop=ended)

    def _announce() -> None:
        click.echo(f"mfl-lint works, {concurrency} jobs at a time (Ctrl-C ends)")

    asyncio.run(run())
    return 0
