"""`mfl-lint completion`: the script that makes a shell complete the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> int:
    """Print the script that completes mfl-lint in a shell.

    \b
    bash: mfl-lint completion bash > ~/.local/share/bash-completion/completions/mfl-lint
    zsh:  mfl-lint completion zsh > DIRECTORY/_mfl-lint, for a DIRECTORY in $fpath
    fish: mfl-lint completion fish > ~/.config/fish/completions/mfl-lint.fish
    """
    from click.shell_completion import get_completion_class

    from mfl_lint.cli.main import cli
    from mfl_lint.cli.output import write_report

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"click completes no {shell}")
    completer = kind(cli, {}, "mfl-lint", "_MFL_LINT_COMPLETE")
    # Not source(): for bash it starts one to see how old it is, and warns where there is none.
    write_report(f"{completer.source_template % completer.source_vars()}\n", None)
    return 0


def complete_rules(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the rules, slugs and families that complete the last of names with commas."""
    before, comma, last = incomplete.rpartition(",")
    return _completed(last, f"{before}{comma}", "")


def complete_severities(
    _: click.Context, __: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return what completes RULE=SEVERITY."""
    from click.shell_completion import CompletionItem

    from mfl_lint.core.policy import Severity

    rule, equals, begun = incomplete.partition("=")
    if not equals:
        return _completed(rule, "", "=")
    return [CompletionItem(f"{rule}={x}") for x in Severity if x.startswith(begun.lower())]


def _completed(begun: str, before: str, after: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from mfl_lint.config_policy import rule_names
    from mfl_lint.rules import discover

    slugs = {rule.id: rule.slug for rule in discover()}
    return [
        CompletionItem(f"{before}{name}{after}", help=slugs.get(name, ""))
        for name in sorted(rule_names())
        if name.lower().startswith(begun.lower())
    ]
