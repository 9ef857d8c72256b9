"""`mfl-lint fix`: plan what mends a list, and carry it out."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import click

from mfl_lint.cli import making, options
from mfl_lint.cli.exit_codes import COULD_NOT_LOOK, FINDINGS, OK
from mfl_lint.cli.output import is_colorful, is_unicode, width, write_report
from mfl_lint.cli.project import ProjectCommand, rules_options

if TYPE_CHECKING:
    from mfl_lint.cli.fixing import Done

_FORMATS: Final = ("text", "json")


class Call(options.Looking, frozen=True, kw_only=True):
    """What one call asks for, by the names of its options."""

    references: tuple[str, ...]
    all_tags: bool
    push: bool
    to: str | None
    interactive: bool
    form: str
    copy: bool
    plan_format: str


@click.command("fix", cls=ProjectCommand)
@click.argument("references", nargs=-1, required=True, metavar="REF…")
@click.option("--all-tags", is_flag=True, help="Plan for every tag of the repositories.")
@click.option("--push", is_flag=True, help="Carry the plans out, then look again.")
@click.option("--to", metavar="TAG", help="Push to this tag instead of the one that was looked at.")
@click.option("--interactive", is_flag=True, help="Ask about each step, and before each push.")
@click.option("--oci", "form", flag_value="oci", help="A new list is an OCI index.")
@click.option("--docker", "form", flag_value="docker", help="A new list is a Docker list.")
@click.option("--copy", is_flag=True, help="Copy images from other registries if need be.")
@click.option(
    "--format",
    "plan_format",
    type=click.Choice(_FORMATS),
    default="text",
    show_default=True,
    help="The report.",
)
@rules_options
@options.looking_options
def command(**given: Any) -> int:
    """Plan what mends a manifest list; --push carries it out.

    All that is wrong with one list and can be mended without building goes into one plan: missing
    and misspelt platforms, duplicates, entries without their images, orphaned attestations. Names
    that differ by a platform only (app-arm64, app-ppc64le; v1-arm64) become one list. Where list
    and image contradict each other, the layers are read to see who is right. What needs a build is
    said, with why. An untagged REF is its tag latest.

    Exit codes: 0 nothing to mend, or mended; 1 something is left, or was not pushed; 2 usage or
    configuration; 3 could not look.
    """
    given["form"] = given["form"] or ""
    return fix(Call(**given))


def fix(call: Call) -> int:
    """Plan, push if that is asked for, report, and return the exit code; raise UsageError."""
    from mfl_lint.cli.fixing import Done, run
    from mfl_lint.cli.interrupting import run_broken_off

    if call.interactive and not sys.stdin.isatty():
        raise click.UsageError("--interactive asks on a terminal: the standard input is none")
    if call.to is not None and (len(call.references) > 1 or call.all_tags):
        raise click.UsageError("--to TAG is for one reference")
    _check_targets(call)
    done = Done()
    try:
        run_broken_off(run(call, done))
    except BaseException:
        # What was pushed before has to be known.
        if any(shown.pushed for shown in done.shown):
            _report(call, done)
        raise
    _report(call, done)
    return _exit_code(done)


def _check_targets(call: Call) -> None:
    """Raise UsageError where a plan could be pushed to no tag, whatever there is to mend."""
    from mfl_lint.core.reference import Reference

    making.demand_tag(call.to)
    for text in call.references if call.push and call.to is None else ():
        reference = Reference.parse(text).with_default_tag()
        if reference.tag is None and not call.all_tags:
            raise click.UsageError(f"{text[:200]} names no tag: --to TAG says which")


def _report(call: Call, done: Done) -> None:
    from mfl_lint.cli.failures import say
    from mfl_lint.report.paper import Paper
    from mfl_lint.report.plan import render_plan, render_plans_json, summary

    if call.plan_format == "json":
        write_report(render_plans_json(done.shown, done.problems), None)
        return
    paper = Paper(width(), color=is_colorful(), unicode=is_unicode(None))
    for shown in done.shown:
        render_plan(shown, paper)
        paper.line("")
    if done.shown:
        paper.block("", [(summary(done.shown, pushed=call.push), "bold")])
    write_report(paper.text(), None)
    for problem in done.problems:
        say(f"could not look: {problem}")


def _exit_code(done: Done) -> int:
    """Return 1 for what is left or was not carried out, else 3 for what was not seen, or
    was done and could not be written down.
    """
    for shown in done.shown:
        undone = shown.changes and not (shown.pushed and all(one.ok for one in shown.pushed))
        if shown.refused or undone or shown.still or any(x.severity != "info" for x in shown.left):
            return FINDINGS
    unrecorded = any(shown.unrecorded for shown in done.shown)
    return COULD_NOT_LOOK if done.problems or unrecorded else OK
