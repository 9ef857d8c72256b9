"""`mfl-lint scan`: look once, judge, report."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mfl_lint.cli import options
from mfl_lint.cli.destinations import Destination, destinations, format_options, write_reports
from mfl_lint.cli.exit_codes import exit_code, reaches
from mfl_lint.cli.project import ProjectCommand, rules_options
from mfl_lint.cli.tags import TagChoice, tags_options

if TYPE_CHECKING:
    from mfl_lint.cli.looking import Looked


class Call(options.Looking, frozen=True, kw_only=True):
    """What one call asks for, by the names of its options."""

    targets: tuple[str, ...]
    files: tuple[str, ...]
    build_args: tuple[str, ...]
    all_tags: bool
    tag_globs: tuple[str, ...]
    newest: int | None
    formats: tuple[Destination, ...]
    output: Path | None
    baseline: Path | None
    write_baseline: Path | None
    check_blobs: bool
    deep: bool
    fail_on: str


@click.command("scan", cls=ProjectCommand)
@click.argument("targets", nargs=-1, metavar="[TARGET…]")
@options.files_option
@options.build_arg_option
@options.require_option
@tags_options
@format_options
@rules_options
@options.baseline_option
@options.write_baseline_option
@options.check_blobs_option
@options.deep_option
@options.fail_on_option
@options.looking_options
def command(**given: Any) -> int:
    """Look at images once and say what is broken.

    TARGET is a reference (busybox, ghcr.io/org/app:v1, app@sha256:…), a namespace in quotes
    ('registry.example.org/team/*'), an OCI layout (oci:DIR[:TAG]), an archive of one
    (oci-archive:FILE), a document (file:index.json), or - for a document on the standard input.
    Of a document alone only what it says itself is judged: what it lists is not at hand.

    Of a file (-f) every reference is looked at, with the platforms that the file needs of it; one
    that a variable hides is said and never guessed, and makes the exit code 3.

    Exit codes: 0 nothing at or above --fail-on, 1 findings, 2 usage or configuration (also: no
    such file), 3 could not look (also: no such tag) or a rule crashed.
    """
    return scan(Call(**given))


def scan(call: Call) -> int:
    """Look, write the reports, and return the exit code; raise ConfigInvalid or UsageError."""
    from mfl_lint.cli.baseline import Baselines
    from mfl_lint.core.policy import Severity
    from mfl_lint.report.material import Material
    from mfl_lint.rules import discover

    options.check_called(call.targets, call.files)
    written = destinations(call.formats, call.output)
    baselines = Baselines(call.baseline, call.write_baseline, call.config)
    looked = baselines.apply(_looked(call))
    code = exit_code(looked.scan, call.fail_on)
    failing = frozenset(item for item in Severity if reaches(item, call.fail_on))
    rules = tuple(discover())
    write_reports(written, Material(looked.scan, rules, looked.ignored, code, failing))
    return code


def _looked(call: Call) -> Looked:
    from mfl_lint.cli.files import mentioned
    from mfl_lint.cli.looking import Extent, look
    from mfl_lint.registry.target import find_target
    from mfl_lint.service.memory import calm_collector

    targets = [find_target(text) for text in call.targets]
    named = mentioned(call.files, call.build_args)
    tags = TagChoice(call.all_tags, call.tag_globs, call.newest or 0)
    extent = Extent(tags, named, call.check_blobs, call.deep)
    calm_collector()
    return asyncio.run(look(targets, call.config, call.access, extent, quiet=call.quiet))
