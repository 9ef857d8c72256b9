"""`mfl-lint rules`: the list of rules."""

from __future__ import annotations

import click

from mfl_lint.cli import options
from mfl_lint.cli.output import is_colorful, is_unicode, width, write_report


@click.command("rules")
@options.json_option
def command(as_json: bool) -> int:
    """List the rules.

    Id, severity, slug and what each one finds; `mfl-lint explain ID` says more.
    """
    from mfl_lint.rules import discover

    rules = discover()
    if as_json:
        from mfl_lint.report.json_v1 import to_json
        from mfl_lint.report.rules import rule_v1

        write_report(to_json([rule_v1(rule) for rule in rules]), None)
        return 0
    from mfl_lint.report.paper import Paper
    from mfl_lint.report.rules import render_rules

    paper = Paper(width(), color=is_colorful(), unicode=is_unicode(None))
    write_report(render_rules(rules, paper), None)
    return 0
