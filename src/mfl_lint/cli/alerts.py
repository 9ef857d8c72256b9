"""`mfl-lint alerts`: try channels, list messages, silence and acknowledge."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from mfl_lint.cli import exit_codes, options
from mfl_lint.cli.handling import (
    acknowledge,
    end_silence,
    handled,
    ignore,
    silence,
    undo_ignore,
)
from mfl_lint.cli.output import is_colorful, is_unicode, width, write_report
from mfl_lint.cli.users import with_store

if TYPE_CHECKING:
    from mfl_lint.config import Config
    from mfl_lint.core.messages import Delivery
    from mfl_lint.store.engine import Store

# Not read from the code that knows them: --help imports nothing of it. A test compares them.
STATES: Final = ("pending", "sent", "dead")


@click.group("alerts")
def command() -> None:
    """Try channels, list messages, silence and acknowledge."""


for _handles in (silence, end_silence, acknowledge, ignore, undo_ignore, handled):
    command.add_command(_handles)


@command.command("test")
@click.argument("channel")
@options.config_option
@options.debug_option
def test(channel: str, config_path: Path | None) -> int:
    """Send a test message to a channel.

    Exit codes: 0 it was taken, 2 usage or configuration, 3 it was not taken.
    """
    from mfl_lint.cli.failures import say
    from mfl_lint.cli.settings import settings
    from mfl_lint.core.errors import NotDelivered
    from mfl_lint.service.previewing import send_test

    config = settings(config_path)
    try:
        asyncio.run(send_test(config, channel))
    except NotDelivered as error:
        said = f"mfl-lint: the channel {channel} did not take the test message: {error}"
        click.echo(said, err=True)
        return exit_codes.COULD_NOT_LOOK
    click.echo(f"The channel {channel} took the test message.")
    if not any(channel in route.channels for route in config.alert.route):
        say(f"note: no [[alert.route]] sends to {channel}: nothing else will arrive there")
    return exit_codes.OK


@command.command("preview")
@click.option(
    "--last",
    type=click.IntRange(1, 1000),
    default=50,
    show_default=True,
    help="So many of the newest changes.",
)
@click.option("--body", is_flag=True, help="Print what each message would say, too.")
@options.config_option
@options.debug_option
def preview(last: int, body: bool, config_path: Path | None) -> int:
    """Show which messages the last changes would have made, and send none.

    As if all of them had happened at once: waits, quiet hours and rates count for nothing. A
    registry's first crawl is summed up in one message.
    """
    from mfl_lint.cli.settings import settings
    from mfl_lint.report.inert import inert
    from mfl_lint.service import previewing
    from mfl_lint.store import handling

    config = settings(config_path)
    if not config.alert.route:
        click.echo(_unrouted(config))
        return exit_codes.OK

    async def go(store: Store, who: str, now: datetime) -> Any:
        held = len(await handling.silences_of(store, now))
        return await previewing.preview(store, config, last, now), held

    made, held = with_store(config_path, go, creates=False)
    for one in made:
        click.echo(f"{one.channel} by {one.route}: {inert(one.title)}")
        if body:
            click.echo("".join(f"    {inert(line)}\n" for line in one.body.splitlines()))
    if not made:
        click.echo(_why_none(config, last, held))
    reports = [route.name for route in config.alert.route if route.digest.every]
    if 0 < len(reports) < len(config.alert.route):
        click.echo(f"Reports are not shown here: {', '.join(reports)}.")
    return exit_codes.OK


def _unrouted(config: Config) -> str:
    """Return that nobody is told of anything, and what is to be done."""
    add = "" if config.alert.channel else "[[alert.channel]] and "
    return (
        "No message would be sent: no route is configured, so that nobody is told of anything. "
        f"Add {add}[[alert.route]] to {config.path or 'mfl-lint.toml'}."
    )


def _why_none(config: Config, last: int, held: int) -> str:
    """Return why no route sends anything; so many silences are `held`."""
    if all(route.digest.every for route in config.alert.route):
        return "No message would be sent: every route sends reports, which are not shown here."
    number = "1 silence holds" if held == 1 else f"{held} silences hold"
    silent = f" {number}; see `mfl-lint alerts handled`." if held else ""
    return (
        f"No message would be sent: of the last {last} changes none is for a route, of the last "
        f"week, and neither silenced nor ignored.{silent}"
    )


@command.command("list")
@click.option("--state", "states", type=click.Choice(STATES), multiple=True, help="Only these.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="At most so many."
)
@options.config_option
@options.debug_option
def list_messages(states: tuple[str, ...], limit: int, config_path: Path | None) -> int:
    """List what was sent where, dead letters too; the newest first."""
    from mfl_lint.report.paper import Paper
    from mfl_lint.store import messages

    async def go(store: Store, who: str, now: datetime) -> Any:
        return await messages.deliveries(store, states=states, limit=limit)

    known = with_store(config_path, go, creates=False).items
    paper = Paper(width(), color=is_colorful(), unicode=is_unicode(None))
    if not known:
        paper.line("No messages.")
    else:
        titles = ("id", "when", "channel", "state", "message")
        paper.table(titles, (_row(one) for one in known))
    write_report(paper.text(), None)
    return exit_codes.OK


def _row(one: Delivery) -> tuple[tuple[str, ...], str]:
    when = f"{one.sent_at or one.created_at:%Y-%m-%d %H:%M}"
    tries = f", {one.attempts} tries" if one.attempts > 1 else ""
    said = f"{one.title} ({one.problem}{tries})" if one.problem else one.title
    cells = (str(one.id), when, one.channel, str(one.state), said)
    return cells, "dim" if one.state == "sent" else ""


@command.command("retry")
@click.argument("ids", nargs=-1, required=True, type=options.OWN_ID, metavar="ID…")
@options.config_option
@options.debug_option
def retry(ids: tuple[int, ...], config_path: Path | None) -> int:
    """Have dead letters tried again, under their old keys, with what of them is so still.

    `mfl-lint serve`, or the next `mfl-lint crawl --alert`, sends them.
    """
    from mfl_lint.alert.words import title_of
    from mfl_lint.core.errors import Refused
    from mfl_lint.store import messages, retrying

    async def go(store: Store, who: str, now: datetime) -> None:
        for number in ids:
            if await retrying.retry(store, number, title_of, who=who, now=now) is None:
                one = await messages.delivery(store, number)
                is_there = f"message {number} is no dead letter: it is {one.state}" if one else ""
                raise Refused(is_there or f"there is no message {number}")

    with_store(config_path, go, creates=False)
    click.echo(f"{len(ids)} will be tried again.")
    return exit_codes.OK
