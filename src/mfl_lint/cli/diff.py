"""`mfl-lint diff`: two lists, platform by platform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mfl_lint.cli import options
from mfl_lint.cli.exit_codes import COULD_NOT_LOOK, FINDINGS, OK
from mfl_lint.cli.output import is_colorful, is_unicode, width, write_report
from mfl_lint.cli.project import ProjectCommand

if TYPE_CHECKING:
    from mfl_lint.core.difference import Difference


class Call(options.Looking, frozen=True, kw_only=True):
    """What one call asks for, by the names of its options."""

    before: str
    after: str
    same_platforms: bool
    as_json: bool


@click.command("diff", cls=ProjectCommand)
@click.argument("before", metavar="REF1")
@click.argument("after", metavar="REF2")
@click.option(
    "--same-platforms",
    is_flag=True,
    help="Ask only whether both offer the same platforms, as a mirror must.",
)
@options.json_option
@options.looking_options
def command(**given: Any) -> int:
    """Compare two lists platform by platform.

    Images are matched by their platform: the same digest, another one (and what differs: created,
    size, layers, config, annotations), or on one side only. REF1 and REF2 may also be
    oci:DIR:TAG, oci-archive:FILE, file:F.

    Exit codes: 0 the same, 1 different, 2 usage or configuration, 3 could not look.
    """
    return diff(Call(**given))


def diff(call: Call) -> int:
    """Look at both, compare them, and return the exit code; raise UsageError."""
    from mfl_lint.cli.one_image import look_at_one
    from mfl_lint.core.difference import difference
    from mfl_lint.report.diff import difference_v1, render_difference, render_difference_json
    from mfl_lint.report.paper import Paper

    one, other = (
        look_at_one(text, call, refusal="diff compares two images; globs name many")
        for text in (call.before, call.after)
    )
    if one is None or other is None:
        return COULD_NOT_LOOK
    found = difference(one, other)
    shown = difference_v1(one, other, found)
    if call.as_json:
        write_report(render_difference_json(shown), None)
    else:
        paper = Paper(width(), color=is_colorful(), unicode=is_unicode(None))
        write_report(render_difference(shown, paper), None)
    return _exit_code(found, same_platforms=call.same_platforms)


def _exit_code(found: Difference, *, same_platforms: bool) -> int:
    """Return 1 for what differs for certain, 3 where that was not all seen."""
    if not (found.same_platforms if same_platforms else found.same):
        return FINDINGS
    return COULD_NOT_LOOK if found.unseen else OK
