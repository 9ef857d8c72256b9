"""`mfl-lint inspect`: one list as a table."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from mfl_lint.cli import options
from mfl_lint.cli.exit_codes import exit_code
from mfl_lint.cli.output import is_colorful, is_unicode, width, write_report
from mfl_lint.core.observation import Observation


@click.command("inspect")
@click.argument("reference", metavar="REF")
@options.json_option
@options.fail_on_option
@options.config_option
@options.insecure_option
@options.anonymous_option
@options.quiet_option
@options.debug_option
def command(
    reference: str,
    as_json: bool,
    fail_on: str,
    config_path: Path | None,
    insecure: bool,
    anonymous: bool,
    quiet: bool,
) -> int:
    """Show a manifest list as a table.

    For each entry: platform, digest, size, date of creation, what its config says, attestations
    and the rules that found something. REF may also be oci:DIR:TAG, oci-archive:FILE, file:F.

    Exit codes are those of `mfl-lint scan`; with --fail-on never findings do not count.
    """
    from mfl_lint.cli.connect import Access
    from mfl_lint.cli.failures import say
    from mfl_lint.cli.looking import look
    from mfl_lint.config_file import find_config
    from mfl_lint.registry.target import NamespaceTarget, parse_target
    from mfl_lint.report.inspect import inspection, render_inspection, render_inspection_json
    from mfl_lint.report.paper import Paper

    target = parse_target(reference)
    if isinstance(target, NamespaceTarget):
        raise click.UsageError("inspect shows one image; `mfl-lint scan` takes globs")
    config, access = find_config(config_path), Access(insecure, anonymous)
    seen: list[Observation] = []
    looked = asyncio.run(look([target], config, access, quiet=quiet, looked=seen.append))
    for item in seen:
        findings = [x for x in looked.scan.findings if x.reference == str(item.reference)]
        shown = inspection(item, findings)
        if as_json:
            write_report(render_inspection_json(shown), None)
        else:
            paper = Paper(width(), color=is_colorful(), unicode=is_unicode(None))
            write_report(render_inspection(shown, paper), None)
    for problem in looked.scan.problems:
        say(f"could not look: {problem}")
    return exit_code(looked.scan, fail_on)
