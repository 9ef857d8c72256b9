"""`mfl-lint explain`: one rule's documentation."""

from __future__ import annotations

import click

from mfl_lint.cli.completion import complete_rules
from mfl_lint.cli.output import is_colorful, is_unicode, width, write_report


@click.command("explain")
@click.argument("rule", metavar="RULE", shell_complete=complete_rules)
def command(rule: str) -> int:
    """Say what a rule finds, why it matters and how to mend it.

    RULE is an id (MFL101) or a slug (platform-contradicts-config).
    """
    from mfl_lint.report.paper import Paper
    from mfl_lint.report.rules import render_rule
    from mfl_lint.rules import discover

    rules = discover()
    wanted = rule.lower()
    for found in rules:
        if wanted in (found.id.lower(), found.slug):
            paper = Paper(width(), color=is_colorful(), unicode=is_unicode(None))
            write_report(render_rule(found, paper), None)
            return 0
    from difflib import get_close_matches

    names = [name for found in rules for name in (found.id.lower(), found.slug)]
    close = get_close_matches(wanted, names, 1)
    hint = f"did you mean {close[0]}?" if close else "`mfl-lint rules` lists them"
    raise click.UsageError(f"there is no rule {rule[:60]!r}; {hint}")
