"""Options that several commands share."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from mfl_lint.cli.exit_codes import THRESHOLDS
from mfl_lint.cli.failures import Session

F = TypeVar("F", bound=Callable[..., Any])

config_option: Final = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The settings file, instead of $MFL_LINT_CONFIG or ./mfl-lint.toml.",
)
fail_on_option: Final = click.option(
    "--fail-on",
    type=click.Choice(THRESHOLDS),
    default="error",
    show_default=True,
    help="The least severity that makes the exit code 1.",
)
require_option: Final = click.option(
    "--require",
    "required",
    multiple=True,
    metavar="P,P",
    help="Platforms that every image must offer, e.g. linux/amd64,linux/arm64.",
)
insecure_option: Final = click.option(
    "--insecure",
    is_flag=True,
    help="Accept plain http and unverified certificates from the targets' registries.",
)
anonymous_option: Final = click.option(
    "--anonymous", is_flag=True, help="Send no credentials, whatever is configured."
)
quiet_option: Final = click.option(
    "-q", "--quiet", "--no-progress", "quiet", is_flag=True, help="Show no progress."
)
json_option: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def debug_option(function: F) -> F:
    """Add --debug: what happens, and the traceback of what went wrong, on the standard error."""
    return click.option(
        "--debug",
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_set_debug,
        help="Say on the standard error what happens; show tracebacks.",
    )(function)


def _set_debug(context: click.Context, _: click.Parameter, value: bool) -> None:
    session = context.find_object(Session)
    if session is not None and value:
        session.debug = True
    set_up_logs(debug=value)


def set_up_logs(*, debug: bool) -> None:
    """Keep the libraries' and the rules' complaints off the terminal, unless they are wanted."""
    root = logging.getLogger()
    if root.handlers:
        return
    if not debug:
        root.addHandler(logging.NullHandler())
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Plain("%(levelname)s %(name)s: %(message)s"))
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)


class _Plain(logging.Formatter):
    """One record without credentials, each of its lines inert."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text."""
        from mfl_lint.cli.failures import scrubbed
        from mfl_lint.report.inert import inert

        return "\n".join(inert(line) for line in scrubbed(super().format(record)).splitlines())


def show_log() -> None:
    """Say on the standard error what a long-running command does, a line an event."""
    log = logging.getLogger("mfl_lint")
    log.setLevel(logging.INFO)
    if any(isinstance(item, logging.StreamHandler) for item in logging.getLogger().handlers):
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Plain("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
