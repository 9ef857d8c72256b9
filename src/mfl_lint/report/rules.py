"""Rules for people: the list, and all that one of them says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Rule
from mfl_lint.report.paper import Paper

_STYLES: Final = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


class RuleV1(msgspec.Struct, frozen=True):
    """A rule as `mfl-lint rules --json` prints it."""

    id: str
    slug: str
    severity: Severity
    scope: str
    needs: tuple[str, ...]
    what: str
    why: str
    fix: str
    source: str


def rule_v1(rule: Rule) -> RuleV1:
    """Return the rule's documentation as a value."""
    return RuleV1(
        id=rule.id,
        slug=rule.slug,
        severity=rule.severity,
        scope=str(rule.scope),
        needs=tuple(map(str, rule.needs)),
        what=rule.what,
        why=rule.sections["Why"],
        fix=rule.sections["Fix"],
        source=rule.sections["Source"],
    )


def render_rules(rules: Sequence[Rule], paper: Paper) -> str:
    """Return the list as a table."""
    rows = [
        ((rule.id, str(rule.severity), rule.slug, _first(rule.what)), _STYLES[rule.severity])
        for rule in rules
    ]
    paper.table(("id", "severity", "slug", "finds"), rows)
    paper.line("")
    paper.line(f"{len(rules)} rules. `mfl-lint explain ID` says why and how to mend it.")
    return paper.text()


def render_rule(rule: Rule, paper: Paper) -> str:
    """Return all that the rule says of itself."""
    paper.line((f"{rule.id} ", "bold"), (rule.slug, "bold"), "  ", _severity(rule))
    for title, body in (("", rule.what), *rule.sections.items()):
        paper.line("")
        if title:
            paper.line((title, "bold"))
        for paragraph in body.split("\n\n"):
            paper.block("  " if title else "", [" ".join(paragraph.split())])
    paper.line("")
    needs = ", ".join(map(str, rule.needs)) or "nothing"
    paper.block("", [(f"Judges each {rule.scope}; needs to have seen: {needs}.", "dim")])
    return paper.text()


def _severity(rule: Rule) -> tuple[str, str]:
    return str(rule.severity), _STYLES[rule.severity]


def _first(text: str) -> str:
    """Return the first sentence."""
    return f"{' '.join(text.split()).partition('. ')[0].rstrip('.')}."
