"""`mfl-lint manifest rm` and `list`: the drafts that lie on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mfl_lint.cli import exit_codes, making, options

if TYPE_CHECKING:
    from mfl_lint.mend.drafts import Draft


@click.command("rm")
@click.argument("names", nargs=-1, metavar="LIST…")
@options.debug_option
@click.pass_context
def remove(ctx: click.Context, names: tuple[str, ...]) -> int:
    """Forget drafts of lists; what is pushed stays.

    It goes on after a name that there is no draft of, and ends with 1 then.
    """
    from mfl_lint.cli.failures import say

    making.demand(ctx, names, 1)
    drafts, code = making.drafts(), exit_codes.OK
    for reference in [making.named(text, "manifest list") for text in names]:
        if not drafts.remove(reference):
            say(f"No such manifest: {reference.familiar}")
            code = exit_codes.USAGE
    return code


@click.command("list")
@options.json_option
@options.debug_option
def show(as_json: bool) -> int:
    """Show the drafts of lists, with the platforms in each."""
    import json

    from mfl_lint.cli.failures import say
    from mfl_lint.cli.output import write_report
    from mfl_lint.report.inert import inert

    found = making.drafts().all()
    if as_json:
        told = [_told(draft) for draft in found]
        write_report(json.dumps({"version": 1, "drafts": told}, indent=2) + "\n", None)
        return exit_codes.OK
    if not found:
        say("there are no drafts: `mfl-lint manifest create LIST IMAGE…` makes one")
    for draft in found:
        platforms = [str(one.entry.platform or "no platform") for one in draft.members]
        line = f"{draft.reference.familiar}  {len(platforms)} entries: {', '.join(platforms)}"
        write_report(inert(line) + "\n", None)
    return exit_codes.OK


def _told(draft: Draft) -> dict[str, Any]:
    """Return a draft as the JSON of `manifest list` shows it."""
    return {
        "reference": draft.name,
        "entries": [
            {
                "name": one.name,
                "digest": one.entry.digest,
                "platform": one.entry.platform and str(one.entry.platform),
            }
            for one in draft.members
        ],
    }
