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
@click.option("--host", metavar="ADDRESS", help="Where to listen, in place of serve.host.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Where to listen, in place of serve.port; 0 takes a free port.",
)
@options.config_option
@options.debug_option
def command(insecure: bool, host: str | None, port: int | None, config_path: Path | None) -> int:
    """Crawl on schedule and serve the reports as pages.

    Bound to loopback, or to any address once it is known who may see what: see `mfl-lint users`.
    SIGHUP reads the settings again, SIGTERM ends.
    """
    from mfl_lint.cli.log import show_log
    from mfl_lint.cli.settings import read_again, settings
    from mfl_lint.service.serving import serve

    config = settings(config_path)
    show_log(config.serve)

    def load() -> Config:
        return _listening_at(read_again(config, config_path), host, port)

    asyncio.run(serve(load, ready=_announce, insecure=insecure))
    return 0


def _listening_at(config: Config, host: str | None, port: int | None) -> Config:
    """Return the settings with what the command line says of the address."""
    import msgspec

    given = {"host": host, "port": port}
    changed = {name: value for name, value in given.items() if value is not None}
    serve = msgspec.structs.replace(config.serve, **changed)
    return msgspec.structs.replace(config, serve=serve)


def _announce(address: str) -> None:
    click.echo(f"mfl-lint serves {address} (Ctrl-C ends)")
