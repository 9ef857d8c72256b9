"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
import msgspec
from click.core import ParameterSource

from mfl_lint.cli.exit_codes import THRESHOLDS
from mfl_lint.cli.failures import Session
from mfl_lint.cli.log import set_up_logs

if TYPE_CHECKING:
    from mfl_lint.cli.connect import Access
    from mfl_lint.config import Config

F = TypeVar("F", bound=Callable[..., Any])

_NO_CONFIG: Final = "mfl_lint.no_config"


def config_option(function: F) -> F:
    """Add --config and --no-config, both as `config_path`: a file, the null device, or None."""
    config = click.option(
        "--config",
        "config_path",
        type=click.Path(path_type=Path, dir_okay=False),
        callback=_config_path,
        help="The settings file, instead of $MFL_LINT_CONFIG or the project's.",
    )
    none = click.option(
        "--no-config",
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_set_no_config,
        help="Read no settings file at all.",
    )
    return config(none(function))


def _set_no_config(context: click.Context, _: click.Parameter, value: bool) -> None:
    context.meta[_NO_CONFIG] = value


def _config_path(context: click.Context, _: click.Parameter, path: Path | None) -> Path | None:
    if not context.meta.get(_NO_CONFIG):
        return path
    if path is None:
        return Path(os.devnull)
    if context.get_parameter_source("no_config") is ParameterSource.ENVIRONMENT:
        return path
    raise click.UsageError("--config and --no-config exclude each other")


# What a database gives as an id: beyond that there is nothing to ask it for.
OWN_ID: Final = click.IntRange(1, 2**63 - 1)

fail_on_option: Final = click.option(
    "--fail-on",
    type=click.Choice(THRESHOLDS),
    default="error",
    show_default=True,
    help="The least severity that makes the exit code 1.",
)
# Not read from the code that knows them: --help imports nothing of it. A test compares them.
ENGINES: Final = ("docker", "docker-classic", "containerd", "podman", "first-match")
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
check_blobs_option: Final = click.option(
    "--check-blobs", is_flag=True, help="Look at too whether each image's layers are there."
)
deep_option: Final = click.option(
    "--deep",
    is_flag=True,
    help="Read the images' layers too, to see whether what they start can run.",
)
files_option: Final = click.option(
    "-f",
    "--file",
    "files",
    multiple=True,
    metavar="FILE",
    help="Take the references of a Compose file, Kubernetes manifest, Dockerfile or plain list; "
    "- is the standard input. Repeatable.",
)
build_arg_option: Final = click.option(
    "--build-arg",
    "build_args",
    multiple=True,
    metavar="NAME=VALUE",
    help="Give an ARG of a Dockerfile its value, as for docker build. Repeatable.",
)
quiet_option: Final = click.option(
    "-q", "--quiet", "--no-progress", "quiet", is_flag=True, help="Show no progress."
)
baseline_option: Final = click.option(
    "--baseline",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Leave out the findings that this file lists; they are counted apart.",
)
write_baseline_option: Final = click.option(
    "--write-baseline",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write what is found to a file for --baseline; from then on it is known.",
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


class Looking(msgspec.Struct, frozen=True, kw_only=True):
    """What every command that looks once is told; a command's own options come on top."""

    config: Config
    insecure: bool
    anonymous: bool
    quiet: bool = False

    @property
    def access(self) -> Access:
        """Return how registries are reached."""
        from mfl_lint.cli.connect import Access

        return Access(self.insecure, self.anonymous)


def looking_options(function: F) -> F:
    """Add what every command that looks once can be told: settings, access, how much is said."""
    for option in (debug_option, quiet_option, anonymous_option, insecure_option, config_option):
        function = option(function)
    return function


def _set_debug(context: click.Context, _: click.Parameter, value: bool) -> None:
    session = context.find_object(Session)
    if session is not None and value:
        session.debug = True
    set_up_logs(debug=value)


def check_called(targets: Sequence[str], files: Sequence[str]) -> None:
    """Raise UsageError where nothing is named, or the standard input twice."""
    if not (targets or files):
        raise click.UsageError("name a TARGET, or a file of references with -f")
    if "-" in targets and "-" in files:
        raise click.UsageError("the standard input cannot be both a document and -f -")
