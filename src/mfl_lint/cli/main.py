"""The command group. A command's module is imported when the command runs, not before."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import click

from mfl_lint import __version__
from mfl_lint.cli.failures import pipes_watched

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

# Name: module below mfl_lint.cli, and the line that --help shows without importing it.
COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "scan": ("scan", "Look at images once and say what is broken."),
    "inspect": ("inspect", "Show a manifest list as a table."),
    "select": ("select", "Say which entry of a list an engine takes."),
    "diff": ("diff", "Compare two lists platform by platform."),
    "ready": ("ready", "Say whether a platform of an image can be pulled, whole."),
    "fix": ("fix", "Plan what mends a manifest list; --push carries it out."),
    "crawl": ("crawl", "Look at the configured registries and record what is found."),
    "serve": ("serve", "Crawl on schedule and serve the reports as pages."),
    "worker": ("worker", "Crawl what the service enqueues, on this machine or any other."),
    "demo": ("demo", "Show everything on a small registry of its own."),
    "manifest": ("manifest", "Make manifest lists, change them and push them."),
    "rules": ("rules", "List the rules."),
    "explain": ("explain", "Say what a rule finds, why it matters and how to mend it."),
    "users": ("users", "Add, list, change and remove the people who may sign in."),
    "tokens": ("tokens", "Make, list and revoke API tokens."),
    "alerts": ("alerts", "Try channels, list messages, silence and acknowledge."),
    "db": ("db", "Upgrade, check, back up, restore, move and measure the database."),
    "config": ("config", "Check the configuration, or write one to start from."),
    "completion": ("completion", "Print the script that completes mfl-lint in a shell."),
    "doctor": (
        "doctor",
        "Check the installation, the configuration, who may see what, and the registries.",
    ),
}


class LazyGroup(click.Group):
    """A group that imports the module of a command when somebody asks for the command.

    `table` is like COMMANDS; a module is followed by `.` and the command's name in it where that
    is not `command`.
    """

    def __init__(
        self, *args: Any, table: Mapping[str, tuple[str, str]] = COMMANDS, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of their use."""
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command, None if there is none of that name."""
        if cmd_name not in self._table:
            return None
        name, _, attribute = self._table[cmd_name][0].partition(".")
        command = getattr(import_module(f"mfl_lint.cli.{name}"), attribute or "command")
        if not isinstance(command, click.Command):
            raise TypeError(cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the arguments name; an unknown one gets a suggestion."""
        if args and args[0] not in self._table and not args[0].startswith("-"):
            from difflib import get_close_matches

            close = get_close_matches(args[0], self._table, 1)
            hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(self._table)}"
            ctx.fail(f"there is no command {args[0][:60]!r}; {hint}")
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return what completes a command's name, or the group's options, importing no command."""
        from click.shell_completion import CompletionItem

        named = [
            CompletionItem(name, help=line)
            for name, (_, line) in self._table.items()
            if name.startswith(incomplete)
        ]
        return [*named, *click.Command.shell_complete(self, ctx, incomplete)]

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Return the context; --help is printed here already."""
        with pipes_watched():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a closed pipe is no OSError then."""
        with pipes_watched():
            return super().invoke(ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands with their lines, importing none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in self._table.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 nothing found, 1 findings, 2 usage or configuration, 3 could not look.",
)
@click.version_option(__version__, prog_name="mfl-lint")
def cli(**_: Any) -> None:
    """Find what is broken in multi-arch container images, and how to mend it.

    \b
    mfl-lint scan alpine:3.22
    mfl-lint scan 'registry.example.org/team/*' --all-tags --require linux/amd64,linux/arm64
    mfl-lint demo
    """
