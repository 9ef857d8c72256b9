"""Make the pages that follow from the code: `python docs/make.py` writes docs/rules/*.md.

A test compares the committed pages with what this makes.
"""

from __future__ import annotations

from pathlib import Path

from mfl_lint.core.rule import Rule
from mfl_lint.rules import discover

FOLDER = Path(__file__).parent / "rules"
_GROUPS = {
    "1": "What the index says about its entries",
    "2": "Digests, sizes and documents",
    "3": "Platforms encoded in names",
    "4": "Policy",
    "5": "History",
    "6": "Content",
}


def rule_page(rule: Rule) -> str:
    """Return one rule's page."""
    needs = ", ".join(str(need) for need in rule.needs)
    return (
        f"# {rule.id} {rule.slug}\n\n"
        f"Severity: **{rule.severity}** · rests on: {needs}\n\n"
        f"{rule.what}\n\n"
        f"## Why\n\n{rule.sections['Why']}\n\n"
        f"## Fix\n\n{rule.sections['Fix']}\n\n"
        f"## Source\n\n{rule.sections['Source']}\n\n"
        "---\n\n"
        f"In the shell: `mfl-lint explain {rule.id}`. To silence one finding, to change the "
        "severity or to switch the rule off, see [policy](../configuration.md#policy). "
        "[All rules](README.md)\n"
    )


def rule_list(rules: tuple[Rule, ...]) -> str:
    """Return the page that lists all rules."""
    lines = [
        "# Rules",
        "",
        "What mfl-lint judges. An *error* breaks somebody's pull or run, or gets them the wrong",
        "program; a *warning* is ambiguous, fragile or against common policy; *info* is worth",
        "knowing. A rule whose evidence could not be seen is *unknown*, never passed.",
    ]
    for number, title in _GROUPS.items():
        found = [rule for rule in rules if rule.id[3] == number]
        if not found:
            continue
        lines += ["", f"## {title}", "", "| rule | severity | what |", "|---|---|---|"]
        for rule in found:
            first = " ".join(rule.what.split("\n\n")[0].split()).replace("|", "\\|")
            lines.append(f"| [{rule.id} {rule.slug}]({rule.id}.md) | {rule.severity} | {first} |")
    return "\n".join(lines) + "\n"


def pages() -> dict[str, str]:
    """Return every page by its file's name."""
    rules = discover()
    return {f"{rule.id}.md": rule_page(rule) for rule in rules} | {"README.md": rule_list(rules)}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.md"):
        old.unlink()
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
