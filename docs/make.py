"""Make the pages that follow from the code: `python docs/make.py` writes them.

docs/rules/*.md come from the rules, docs/configuration.md from config.example.toml. A test
compares the committed pages with what this makes.
"""

from __future__ import annotations

from pathlib import Path

from mfl_lint.core.rule import Rule
from mfl_lint.resources import example_config_path
from mfl_lint.rules import FAMILIES, discover

FOLDER = Path(__file__).parent
_CONFIGURATION = """# Configuration

`mfl-lint config init` writes the file below as `mfl-lint.toml`; `mfl-lint config check` reads it
and tells every mistake with file and key. Where else settings may stand, and what goes before what:
[in a project](in-a-project.md). `serve` and `worker` read it again on SIGHUP: a bad file is said
and changes nothing. `[database]`, `[queue]`, `[http]`, `[serve]`, and `concurrency` and `rate` of a
host that is asked already hold from the next start on, which the log says; so does another content
of the same `ca_file`.

## Policy

- `[[policy.require]]` demands platforms of repositories and tags; a missing one is
  [MFL401](rules/MFL401.md). `scan --require` adds to it.
- `[[policy.annotation]]` demands annotations or labels ([MFL404](rules/MFL404.md));
  `immutable_tags` says which tags must not move ([MFL503](rules/MFL503.md)); `stale_days` how much
  older than its siblings an image may be ([MFL502](rules/MFL502.md)).
- `[policy.severities]` gives a rule another severity, `disabled` switches rules off: by id, name or
  family (`MFL3`).
- `[[policy.ignore]]` shows findings apart, with the reason, until it expires. An ignored finding is
  neither counted nor does it fail a crawl; it is never thrown away.
- When rules or policy change, the next crawl judges every tag again from what is stored, without
  fetching a document.

## Every setting

```toml
"""


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
    for number, title in FAMILIES.items():
        found = [rule for rule in rules if rule.id[3] == number]
        if not found:
            continue
        lines += ["", f"## {title}", "", "| rule | severity | what |", "|---|---|---|"]
        for rule in found:
            first = " ".join(rule.what.split("\n\n")[0].split()).replace("|", "\\|")
            lines.append(f"| [{rule.id} {rule.slug}]({rule.id}.md) | {rule.severity} | {first} |")
    return "\n".join(lines) + "\n"


def pages() -> dict[str, str]:
    """Return every page by its path below docs/."""
    rules = discover()
    made = {f"rules/{rule.id}.md": rule_page(rule) for rule in rules}
    made["rules/README.md"] = rule_list(rules)
    example = example_config_path().read_text(encoding="utf-8")
    made["configuration.md"] = f"{_CONFIGURATION}{example}```\n"
    return made


if __name__ == "__main__":
    (FOLDER / "rules").mkdir(exist_ok=True)
    for old in (FOLDER / "rules").glob("*.md"):
        old.unlink()
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
