"""Commands that run with a project's settings: option over environment over file over default."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click
from click.core import ParameterSource

from mfl_lint.cli.completion import complete_rules, complete_severities

F = TypeVar("F", bound=Callable[..., Any])

PREFIX: Final = "MFL_LINT_"
# $MFL_LINT_CONFIG is for all commands, and $MFL_LINT_FORMAT for reports of scans; what is pushed,
# and where, is said in the command itself.
ELSEWHERE: Final = frozenset({"config_path", "plan_format", "push", "to", "force"})
_NOTE: Final = "An option wins over its environment variable, and that over the settings file."


class ProjectCommand(click.Command):
    """A command whose function gets `config`, the settings that hold, with the policy's options.

    --config, --select, --ignore, --severity and --require (those that the command has) are in it.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.epilog = self.epilog or _NOTE
        for parameter in self.params:
            if isinstance(parameter, click.Option) and parameter.name not in ELSEWHERE:
                parameter.envvar = parameter.envvar or variable_of(parameter)
                parameter.show_envvar = True  # in mistakes, too

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command with the settings that hold; raise ConfigInvalid."""
        from mfl_lint.cli.settings import RuleChoice, settled

        given = ctx.params
        names = ("select", "ignore", "severity")
        choice = RuleChoice(*(given.pop(name, ()) for name in names))
        config = settled(given.pop("config_path"), choice, given.pop("required", ()))
        if ctx.get_parameter_source("fail_on") is ParameterSource.DEFAULT:
            given["fail_on"] = config.scan.fail_on
        given["config"] = config
        return super().invoke(ctx)


def variable_of(option: click.Option) -> str:
    """Return the environment variable that may stand for an option."""
    long = next(name for name in option.opts if name.startswith("--"))
    return PREFIX + long.removeprefix("--").replace("-", "_").upper()


def rules_options(function: F) -> F:
    """Add --select, --ignore and --severity."""
    for option in (
        click.option(
            "--severity",
            multiple=True,
            metavar="RULE=SEVERITY",
            shell_complete=complete_severities,
            help="Give a rule another severity, e.g. MFL106=error. Repeatable.",
        ),
        click.option(
            "--ignore",
            multiple=True,
            metavar="RULE,…",
            shell_complete=complete_rules,
            help="Run all rules but these. Repeatable.",
        ),
        click.option(
            "--select",
            multiple=True,
            metavar="RULE,…",
            shell_complete=complete_rules,
            help="Run only these rules: ids, slugs, or families like MFL3. Repeatable.",
        ),
    ):
        function = option(function)
    return function
