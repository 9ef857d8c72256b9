"""`mfl-lint explain`: what rules say of themselves."""

from __future__ import annotations

import click

from mfl_lint.cli.completion import complete_rules
from mfl_lint.cli.output import is_colorful, is_unicode, width, write_report


@click.command("explain")
@click.argument("rule", metavar="RULE", shell_complete=complete_rules)
def command(rule: str) -> int:
    """Say what a rule finds, why it matters and how to mend it.

    RULE is an id (MFL101), a slug (platform-contradicts-config) or a family (MFL3).
    """
    from mfl_lint.config_policy import named_rules, rule_names
    from mfl_lint.report.paper import Paper
    from mfl_lint.report.rules import render_rule
    from mfl_lint.rules import discover

    ids = named_rules([rule], "explain", rule_names())
    told = [
        render_rule(found, Paper(width(), color=is_colorful(), unicode=is_unicode(None)))
        for found in discover()
        if found.id in ids
    ]
    write_report("\n\n".join(told), None)
    return 0
