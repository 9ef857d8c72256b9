"""From exceptions to one line and an exit code: nobody sees a traceback who did not ask."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Final

import click
from click.core import ParameterSource

from mfl_lint.cli import exit_codes
from mfl_lint.core.errors import ConfigInvalid, MflLintError, ReferenceInvalid, Refused
from mfl_lint.core.queries import without_queries

_MAX_LINE: Final = 1000
_SECRETS: Final = re.compile(r"(?<=://)[^/@\s]+(?=@)|(?<=Basic )\S+|(?<=Bearer )\S+")
_HEADERS: Final = re.compile(
    r"(?i)((?:proxy-)?authorization['\"]?\s*[:=]\s*['\"]?(?:[a-z]+ )?)[^\s'\",}]+"
)


class Terminated(Exception):
    """SIGTERM broke the work off."""


class PipeClosed(Exception):
    """Nobody reads the output any more. No OSError: click would end with 1, "findings"."""


@contextlib.contextmanager
def pipes_watched() -> Iterator[None]:
    """Turn a broken pipe into PipeClosed."""
    try:
        yield
    except BrokenPipeError:
        raise PipeClosed from None


class Session:
    """What one run of the command line knows of itself."""

    def __init__(self) -> None:
        self.debug = False


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code; only what is asked for is raised."""
    from mfl_lint.cli.main import cli

    session = Session()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _answered(arguments, cli, session)
        sys.stdout.flush()
    except (PipeClosed, BrokenPipeError):
        code = _close_pipes()
    except KeyboardInterrupt:
        code = exit_codes.INTERRUPTED
    except OSError as error:
        code = _output_refused(error)
    return code


def _answered(arguments: Sequence[str], cli: click.Command, session: Session) -> int:
    """Return the exit code of a run; what a user can act on has become one line."""
    try:
        code = cli.main(list(arguments), "mfl-lint", standalone_mode=False, obj=session)
    except (click.exceptions.Abort, KeyboardInterrupt):
        say("interrupted")
        return exit_codes.INTERRUPTED
    except Terminated:
        say("terminated")
        return exit_codes.TERMINATED
    except click.ClickException as error:
        return _usage(error)
    except PipeClosed:
        raise
    except Exception as error:
        return _failed(innermost(error), session)
    return code if isinstance(code, int) else exit_codes.OK


def _usage(error: click.ClickException) -> int:
    context = getattr(error, "ctx", None)
    if isinstance(error, click.exceptions.NoArgsIsHelpError) and context is not None:
        click.echo(context.get_help(), err=True)
        return exit_codes.USAGE
    command = context.command_path if context is not None else "mfl-lint"
    say(f"error: {_mistake(error)} (see {command} --help)")
    return exit_codes.USAGE


def _mistake(error: click.ClickException) -> str:
    """Return what is wrong with a call, by the name of the option as it was given."""
    wrong = isinstance(error, click.BadParameter) and not isinstance(error, click.MissingParameter)
    if not wrong or not isinstance(error, click.BadParameter) or error.param is None:
        return error.format_message()
    name, said = error.param.name or "", error.message.rstrip(".")
    source = error.ctx.get_parameter_source(name) if error.ctx is not None else None
    param = error.param
    shown = max(param.opts, key=len)
    if isinstance(param, click.Argument):
        shown = (param.metavar or shown.upper()).rstrip("….")
    if source is ParameterSource.ENVIRONMENT:
        shown = f"{shown} (from ${param.envvar})"
    said = said.replace("is not a valid integer range", "is no whole number")
    return f"{shown}: {said}"


def _failed(error: BaseException, session: Session) -> int:
    """Say what went wrong and return the exit code."""
    if session.debug:
        _print_traceback(error)
    if isinstance(error, MflLintError):
        for line in error.mistakes if isinstance(error, ConfigInvalid) else (str(error),):
            say(f"error: {line}")
        mistaken = isinstance(error, ConfigInvalid | ReferenceInvalid | Refused)
        return exit_codes.USAGE if mistaken else exit_codes.COULD_NOT_LOOK
    if isinstance(error, OSError) and _is_of_output(error):
        return _output_refused(error)
    hint = "" if session.debug else "; --debug shows the traceback"
    say(f"error: this is a bug in mfl-lint: {type(error).__name__}: {error}{hint}")
    return exit_codes.COULD_NOT_LOOK


def _is_of_output(error: OSError) -> bool:
    """Say whether the failure is that of a line which click wrote."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_code is click.echo.__code__


def _output_refused(error: OSError) -> int:
    """Say why the standard output takes no more, and return the exit code."""
    _close_pipes((1,))  # or the interpreter tries again at its end
    say(f"error: the standard output: {error.strerror}")
    return exit_codes.USAGE


def innermost(error: BaseException) -> BaseException:
    """Return what made a group of tasks fail: the user's own mistake rather than a bug."""
    while isinstance(error, BaseExceptionGroup):
        ours = [item for item in error.exceptions if isinstance(item, MflLintError)]
        error = (ours or error.exceptions)[0]
    return error


def say(text: str) -> None:
    """Write one line on the standard error, inert and bounded, after the program's name."""
    from mfl_lint.report.inert import inert

    line = inert(" ".join(scrubbed(text).split()))
    line = line if len(line) <= _MAX_LINE else f"{line[: _MAX_LINE - 1]}…"
    try:
        click.echo(f"mfl-lint: {line}", err=True)
    except BrokenPipeError:
        raise
    except OSError:
        return  # nobody can be told; the exit code still says it


def scrubbed(text: str) -> str:
    """Return text without the credentials of URLs and headers, and without URLs' queries."""
    text = without_queries(_SECRETS.sub("…", text), "…")
    return _HEADERS.sub(r"\1…", text)


def _print_traceback(error: BaseException) -> None:
    import traceback

    from mfl_lint.report.inert import inert

    text = scrubbed("".join(traceback.format_exception(error)))
    click.echo("\n".join(inert(line) for line in text.splitlines()), err=True)


def _close_pipes(descriptors: Sequence[int] = (1, 2)) -> int:
    """Leave quietly: the reader has seen enough. Nothing may be flushed into the pipe later."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in descriptors:
        try:
            os.dup2(nowhere, descriptor)
        except OSError:
            continue
    return exit_codes.BROKEN_PIPE
