"""Where the reports of one scan go: FORMAT to the standard output, FORMAT=FILE to a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
import msgspec

from mfl_lint.cli.output import check_output, is_colorful, is_unicode, width, write_report
from mfl_lint.report.formats import FORMATS, TEXT, render
from mfl_lint.report.material import Material

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

F = TypeVar("F", bound=Callable[..., Any])
_FILE_WIDTH: Final = 100


class Destination(msgspec.Struct, frozen=True):
    """One report: `path` is None for the standard output. `option` is what stands before it."""

    format: str
    path: Path | None = None
    option: str = "-o "


class _Destination(click.ParamType[Destination]):
    """FORMAT or FORMAT=FILE."""

    name = "FORMAT[=FILE]"

    def convert(self, value: Any, param: Any, ctx: Any) -> Destination:
        """Return what the user wrote as a value."""
        if isinstance(value, Destination):
            return value
        name, equals, path = str(value).partition("=")
        if name not in FORMATS:
            self.fail(f"{name[:60]!r} is none of {', '.join(FORMATS)}", param, ctx)
        if equals and not path:
            self.fail(f"{value}: it names no file", param, ctx)
        return Destination(name, Path(path) if path else None, f"--format {name}=")

    def shell_complete(self, ctx: Any, param: Any, incomplete: str) -> list[CompletionItem]:
        """Return the formats that begin so."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(name) for name in FORMATS if name.startswith(incomplete)]


def format_options(function: F) -> F:
    """Add --format (several times, as `formats`) and -o (as `output`)."""
    output = click.option(
        "-o",
        "--output",
        type=click.Path(path_type=Path),
        help="Write the report to a file, which is replaced at once or not at all.",
    )
    formats = click.option(
        "--format",
        "formats",
        type=_Destination(),
        multiple=True,
        help=f"How the report is written, to FILE or the standard output; may be given several"
        f" times: {', '.join(FORMATS)}.  [default: text]",
    )
    return formats(output(function))


def destinations(formats: Sequence[Destination], output: Path | None) -> tuple[Destination, ...]:
    """Return where to write, files first; raise UsageError, or OutputFailed if one cannot be."""
    files = [item for item in formats if item.path is not None]
    rest = [item for item in formats if item.path is None]
    if not formats:
        rest = [Destination(TEXT)]
    if len(rest) > 1:
        names = " and ".join(item.format for item in rest)
        raise click.UsageError(f"only one of {names} can go to one place; write FORMAT=FILE")
    if output is not None:
        if not rest:
            raise click.UsageError("-o: every --format names its file already")
        rest = [Destination(rest[0].format, output)]
    found = (*files, *rest)
    paths = [item.path.resolve() for item in found if item.path is not None]
    if len(set(paths)) < len(paths):
        raise click.UsageError("two reports would be written to one file")
    for item in found:
        check_output(item.path, item.option)
    return found


def write_reports(found: Sequence[Destination], material: Material) -> None:
    """Write each report; raise OutputFailed for what cannot be written."""
    for item in found:
        text = render(
            item.format,
            material,
            width=width() if item.path is None else _FILE_WIDTH,
            color=item.path is None and is_colorful(),
            unicode=is_unicode(item.path),
        )
        write_report(text, item.path, item.option)
