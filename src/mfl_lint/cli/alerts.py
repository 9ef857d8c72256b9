"""`mfl-lint alerts`: try channels, list messages, silence and acknowledge."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from mfl_lint.cli import exit_codes, options
from mfl_lint.cli.output import is_colorful, is_unicode, width, write_report
from mfl_lint.cli.users import with_store

if TYPE_CHECKING:
    from mfl_lint.core.messages import Delivery
    from mfl_lint.core.policy import Ignore
    from mfl_lint.store.engine import Store

# Not read from the code that knows them: --help imports nothing of it. A test compares them.
STATES: Final = ("pending", "sent", "dead")

reason_option: Final = click.option("--reason", required=True, help="Why, in one line.")
registry_option: Final = click.option("--registry", required=True, help="The registry's name.")
repository_option: Final = click.option(
    "--repository", default="*", show_default=True, help="A repository, or a pattern."
)
tag_option: Final = click.option(
    "--tag", default="*", show_default=True, help="Tags, or a pattern."
)


@click.group("alerts")
def command() -> None:
    """Try channels, list messages, silence and acknowledge."""


@command.command("test")
@click.argument("channel")
@options.config_option
@options.debug_option
def test(channel: str, config_path: Path | None) -> int:
    """Send a test message to a channel.

    Exit codes: 0 it was taken, 2 usage or configuration, 3 it was not taken.
    """
    from mfl_lint.cli.settings import settings
    from mfl_lint.core.errors import NotDelivered
    from mfl_lint.service.previewing import send_test

    config = settings(config_path)
    try:
        asyncio.run(send_test(config, channel))
    except NotDelivered as error:
        click.echo(f"mfl-lint: {channel} did not take it: {error}", err=True)
        return exit_codes.COULD_NOT_LOOK
    click.echo(f"{channel} took a test message.")
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

    As if all of them had happened at once: waits, quiet hours and rates count for nothing.
    """
    from mfl_lint.cli.settings import settings
    from mfl_lint.report.inert import inert
    from mfl_lint.service import previewing

    config = settings(config_path)

    async def go(store: Store, who: str, now: datetime) -> Any:
        return await previewing.preview(store, config, last, now)

    made = with_store(config_path, go)
    for one in made:
        click.echo(f"{one.channel} by {one.route}: {inert(one.title)}")
        if body:
            click.echo("".join(f"    {inert(line)}\n" for line in one.body.splitlines()))
    if not made:
        click.echo("No message would be sent.")
    return exit_codes.OK


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

    known = with_store(config_path, go).items
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
@click.argument("ids", nargs=-1, required=True, type=click.IntRange(1), metavar="ID…")
@options.config_option
@options.debug_option
def retry(ids: tuple[int, ...], config_path: Path | None) -> int:
    """Have dead letters tried again, under their old keys.

    `mfl-lint serve`, or the next `mfl-lint crawl --alert`, sends them.
    """
    from mfl_lint.core.errors import Refused
    from mfl_lint.store import messages

    async def go(store: Store, who: str, now: datetime) -> None:
        for number in ids:
            if await messages.retry(store, number, who=who, now=now) is None:
                raise Refused(f"there is no dead letter {number}")

    with_store(config_path, go)
    click.echo(f"{len(ids)} will be tried again.")
    return exit_codes.OK


@command.command("silence")
@registry_option
@click.option("--rule", default="*", show_default=True, help="An id, a slug, a family, a pattern.")
@repository_option
@tag_option
@click.option("--for", "lasts", required=True, metavar="DURATION", help="For how long, e.g. 2h.")
@reason_option
@options.config_option
@options.debug_option
def silence(
    registry: str,
    rule: str,
    repository: str,
    tag: str,
    lasts: str,
    reason: str,
    config_path: Path | None,
) -> int:
    """Tell nobody of some findings for a while; they are shown and counted as ever."""
    from mfl_lint.config_tables import parse_duration
    from mfl_lint.store import handling

    try:
        span = timedelta(seconds=parse_duration(lasts, "--for"))
        matcher = _matcher(rule, registry, repository, tag, reason, datetime.now(UTC) + span)
    except OverflowError:
        raise click.UsageError("--for: that is longer than a calendar goes") from None

    async def go(store: Store, who: str, now: datetime) -> int:
        return await handling.set_silence(store, matcher, who=who, now=now)

    click.echo(
        f"Silence {with_store(config_path, go)} ends at {matcher.expires:%Y-%m-%d %H:%M} UTC."
    )
    return exit_codes.OK


def _matcher(
    rule: str, registry: str, repository: str, tag: str, reason: str, until: datetime | None
) -> Ignore:
    from mfl_lint.config_checks import check_globs
    from mfl_lint.config_policy import rule_names, rule_pattern
    from mfl_lint.core.policy import Ignore

    check_globs((rule, registry, repository, tag), "--rule, --registry, --repository, --tag")
    pattern = rule_pattern(rule, "--rule", rule_names())
    return Ignore(pattern, _reason(reason), registry, repository, tag, until)


def _reason(text: str) -> str:
    reason = " ".join(text.split())
    if not 0 < len(reason) <= 500 or not reason.isprintable():
        raise click.UsageError("--reason: say why, in at most 500 characters")
    return reason


@command.command("end-silence")
@click.argument("number", type=click.IntRange(1), metavar="ID")
@options.config_option
@options.debug_option
def end_silence(number: int, config_path: Path | None) -> int:
    """End a silence now."""
    from mfl_lint.core.errors import Refused
    from mfl_lint.store import handling

    async def go(store: Store, who: str, now: datetime) -> None:
        if not await handling.end_silence(store, number, who=who, now=now):
            raise Refused(f"there is no silence {number}")

    with_store(config_path, go)
    click.echo(f"Silence {number} is over.")
    return exit_codes.OK


@command.command("acknowledge")
@click.argument("fingerprint")
@click.option("--undo", is_flag=True, help="Take it back.")
@click.option("--reason", default="", help="How it is taken care of, in one line.")
@options.config_option
@options.debug_option
def acknowledge(fingerprint: str, undo: bool, reason: str, config_path: Path | None) -> int:
    """Say that somebody takes care of a finding: it is not said again while it stands."""
    from mfl_lint.core.errors import Refused
    from mfl_lint.store import handling

    why = "" if undo else _reason(reason)

    async def go(store: Store, who: str, now: datetime) -> None:
        if undo:
            done: object = await handling.unacknowledge(store, fingerprint, who=who, now=now)
        else:
            done = await handling.acknowledge(store, fingerprint, why, who=who, now=now)
        if not done:
            raise Refused(f"{fingerprint!r:.80} is no finding that stands, or is not acknowledged")

    with_store(config_path, go)
    click.echo("Taken back." if undo else "Acknowledged.")
    return exit_codes.OK


@command.command("ignore")
@registry_option
@click.option("--rule", required=True, help="An id, a slug, a family, or a pattern of ids.")
@repository_option
@tag_option
@click.option("--for", "lasts", metavar="DURATION", help="For how long, e.g. 90d; else for ever.")
@reason_option
@options.config_option
@options.debug_option
def ignore(
    registry: str,
    rule: str,
    repository: str,
    tag: str,
    lasts: str | None,
    reason: str,
    config_path: Path | None,
) -> int:
    """Live with some findings: they are shown apart, and count nowhere."""
    from mfl_lint.config_tables import parse_duration
    from mfl_lint.store import ignores

    try:
        span = timedelta(seconds=parse_duration(lasts, "--for")) if lasts else None
        until = datetime.now(UTC) + span if span is not None else None
    except OverflowError:
        raise click.UsageError("--for: that is longer than a calendar goes") from None
    matcher = _matcher(rule, registry, repository, tag, reason, until)

    async def go(store: Store, who: str, now: datetime) -> int:
        return await ignores.set_ignore(store, matcher, who=who, now=now)

    click.echo(f"Ignore {with_store(config_path, go)} holds.")
    return exit_codes.OK
