"""`mfl-lint inspect`: one list as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mfl_lint.cli import options
from mfl_lint.cli.exit_codes import exit_code
from mfl_lint.cli.output import is_colorful, is_unicode, print_document, width, write_report
from mfl_lint.cli.project import ProjectCommand, rules_options
from mfl_lint.core.observation import Observation

if TYPE_CHECKING:
    from mfl_lint.core.rule import Finding


class Call(options.Looking, frozen=True, kw_only=True):
    """What one call asks for, by the names of its options."""

    reference: str
    as_json: bool
    raw: bool
    fail_on: str


@click.command("inspect", cls=ProjectCommand)
@click.argument("reference", metavar="REF")
@options.json_option
@click.option("--raw", is_flag=True, help="Write the document itself, byte for byte.")
@rules_options
@options.fail_on_option
@options.looking_options
def command(**given: Any) -> int:
    """Show a manifest list as a table.

    For each entry: platform, digest, size, date of creation, what its config says, attestations
    and the rules that found something; then annotations, and which hosts take which entry. REF
    may also be oci:DIR:TAG, oci-archive:FILE, file:F.

    Exit codes are those of `mfl-lint scan`; with --fail-on never findings do not count.
    """
    return inspect(Call(**given))


def inspect(call: Call) -> int:
    """Look, show each image, and return the exit code; raise UsageError for what is no image."""
    from mfl_lint.cli.failures import say
    from mfl_lint.cli.one_image import look_at, several

    if call.raw and call.as_json:
        raise click.UsageError("--raw and --json exclude each other")
    seen, looked = look_at(
        call.reference, call, refusal="inspect shows one image; `mfl-lint scan` takes globs"
    )
    if len(seen) > 1 and (call.raw or call.as_json):
        raise several(call.reference, seen)
    for item in seen:
        if call.raw:
            write_raw(item)
        else:
            findings = [x for x in looked.scan.findings if x.reference == str(item.reference)]
            _show(item, findings, as_json=call.as_json)
    for problem in looked.scan.problems:
        say(f"could not look: {problem}")
    return exit_code(looked.scan, call.fail_on)


def _show(seen: Observation, findings: list[Finding], *, as_json: bool) -> None:
    from mfl_lint.report.inspect import inspection, render_inspection, render_inspection_json
    from mfl_lint.report.paper import Paper

    shown = inspection(seen, findings)
    if as_json:
        write_report(render_inspection_json(shown), None)
    else:
        paper = Paper(width(), color=is_colorful(), unicode=is_unicode(None))
        write_report(render_inspection(shown, paper), None)


def write_raw(seen: Observation) -> None:
    """Write the document's bytes; a terminal gets them only where it would not act on them."""
    from mfl_lint.cli.failures import say

    if seen.root is None or seen.root.document is None:
        say(f"could not look: {seen.reference}: {seen.look.state}: {seen.look.detail}")
        return
    print_document(seen.root.document.raw, "--raw")
