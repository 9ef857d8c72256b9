"""`mfl-lint scan`: look once, judge, report."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
import msgspec

from mfl_lint.cli import options
from mfl_lint.cli.exit_codes import exit_code
from mfl_lint.cli.output import check_output, is_colorful, is_unicode, width, write_report


@click.command("scan")
@click.argument("targets", nargs=-1, required=True, metavar="TARGET…")
@options.require_option
@click.option("--all-tags", is_flag=True, help="Look at every tag of each repository.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="How the report is written.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Write the report to a file, which is replaced at once or not at all.",
)
@options.fail_on_option
@options.config_option
@options.insecure_option
@options.anonymous_option
@options.quiet_option
@options.debug_option
def command(
    targets: tuple[str, ...],
    required: tuple[str, ...],
    all_tags: bool,
    format_: str,
    output: Path | None,
    fail_on: str,
    config_path: Path | None,
    insecure: bool,
    anonymous: bool,
    quiet: bool,
) -> int:
    """Look at images once and say what is broken.

    TARGET is a reference (busybox, ghcr.io/org/app:v1, app@sha256:…), a namespace in quotes
    ('registry.example.org/team/*'), an OCI layout (oci:DIR[:TAG]), an archive of one
    (oci-archive:FILE), a document (file:index.json), or - for a document on the standard input.

    Exit codes: 0 nothing at or above --fail-on, 1 findings, 2 usage or configuration, 3 could
    not look (also: no such tag) or a rule crashed.
    """
    from mfl_lint.cli.connect import Access
    from mfl_lint.cli.looking import demanding, look
    from mfl_lint.config_file import find_config
    from mfl_lint.registry.target import parse_target
    from mfl_lint.service.memory import calm_collector

    parsed = [parse_target(text) for text in targets]
    config = find_config(config_path)
    config = msgspec.structs.replace(config, policy=demanding(config.policy, required))
    check_output(output)
    access = Access(insecure, anonymous)
    calm_collector()
    looked = asyncio.run(look(parsed, config, access, all_tags=all_tags, quiet=quiet))
    if format_ == "json":
        from mfl_lint.report.json_v1 import render_json

        write_report(render_json(looked.scan, ignored=looked.ignored), output)
    else:
        from mfl_lint.report.text import render_text

        report = render_text(
            looked.scan,
            width=width() if output is None else 100,
            color=output is None and is_colorful(),
            unicode=is_unicode(output),
            ignored=looked.ignored,
        )
        write_report(report, output)
    return exit_code(looked.scan, fail_on)
