"""The commands of `mfl-lint alerts` by which people take care of findings, or live with them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from mfl_lint.cli import exit_codes, options
from mfl_lint.cli.matchers import (
    check_registry,
    end_after,
    matcher_of,
    reason_of,
    say_unmatched,
    shown,
)
from mfl_lint.cli.output import is_colorful, is_unicode, width, write_report
from mfl_lint.cli.users import with_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mfl_lint.core.messages import Acknowledgement, Silence
    from mfl_lint.core.policy import Ignore
    from mfl_lint.core.views import SetIgnore
    from mfl_lint.store.engine import Store

    Handled = tuple[tuple[Silence, ...], tuple[Acknowledgement, ...], tuple[SetIgnore, ...]]

reason_option: Final = click.option("--reason", required=True, help="Why, in one line.")
registry_option: Final = click.option("--registry", required=True, help="The registry's name.")
repository_option: Final = click.option(
    "--repository", default="*", show_default=True, help="A repository, or a pattern."
)
tag_option: Final = click.option(
    "--tag", default="*", show_default=True, help="Tags, or a pattern."
)


@click.command("silence")
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
    from mfl_lint.config_file import find_config
    from mfl_lint.store import handling, matching

    matcher = matcher_of(rule, registry, repository, tag, reason, end_after(lasts))
    check_registry(registry, find_config(config_path))

    async def go(store: Store, who: str, now: datetime) -> tuple[int, str]:
        number = await handling.set_silence(store, matcher, who=who, now=now)
        return number, await matching.unmatched(store, matcher)

    number, unmatched = with_store(config_path, go)
    click.echo(
        f"Silence {number} of {shown(matcher)} ends at {matcher.expires:%Y-%m-%d %H:%M} UTC."
    )
    say_unmatched(matcher, unmatched)
    return exit_codes.OK


@click.command("end-silence")
@click.argument("number", type=options.OWN_ID, metavar="ID")
@options.config_option
@options.debug_option
def end_silence(number: int, config_path: Path | None) -> int:
    """End a silence now."""
    from mfl_lint.core.errors import Refused
    from mfl_lint.store import handling

    async def go(store: Store, who: str, now: datetime) -> None:
        if not await handling.end_silence(store, number, who=who, now=now):
            raise Refused(f"there is no silence {number}")

    with_store(config_path, go, creates=False)
    click.echo(f"Silence {number} is over.")
    return exit_codes.OK


@click.command("acknowledge")
@click.argument("fingerprint")
@click.option("--undo", is_flag=True, help="Take it back.")
@click.option(
    "--reason", default="", help="How it is taken care of, in one line; needed but for --undo."
)
@options.config_option
@options.debug_option
def acknowledge(fingerprint: str, undo: bool, reason: str, config_path: Path | None) -> int:
    """Say that somebody takes care of a finding: it is not said again while it stands.

    The first eight or more digits of a fingerprint will do where no other begins so.
    """
    from mfl_lint.core.errors import Refused
    from mfl_lint.store import handling

    why = "" if undo else reason_of(reason)

    async def go(store: Store, who: str, now: datetime) -> None:
        if undo:
            done: object = await handling.unacknowledge(store, fingerprint, who=who, now=now)
        else:
            done = await handling.acknowledge(store, fingerprint, why, who=who, now=now)
        if not done:
            raise Refused(_unknown(fingerprint, undo=undo))

    with_store(config_path, go, creates=False)
    click.echo("Taken back." if undo else "Acknowledged.")
    return exit_codes.OK


def _unknown(fingerprint: str, *, undo: bool) -> str:
    """Return why a fingerprint names nothing, and where those stand that do."""
    shown = f"{fingerprint!r:.80}"
    if set(fingerprint) - set("0123456789abcdef") or not 8 <= len(fingerprint) <= 64:
        return f"{shown} is no fingerprint: 64 hex digits, or the first eight or more of them"
    if undo:
        return f"nothing acknowledged has the fingerprint {shown}; see `mfl-lint alerts handled`"
    return (
        f"no finding that stands has the fingerprint {shown}; fingerprints are in the API, in the "
        "CSV of /findings and in every webhook"
    )


@click.command("ignore")
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
    from mfl_lint.config_file import find_config
    from mfl_lint.store import ignores, matching

    until = end_after(lasts) if lasts else None
    matcher = matcher_of(rule, registry, repository, tag, reason, until)
    check_registry(registry, find_config(config_path))

    async def go(store: Store, who: str, now: datetime) -> tuple[int, str]:
        number = await ignores.set_ignore(store, matcher, who=who, now=now)
        return number, await matching.unmatched(store, matcher)

    number, unmatched = with_store(config_path, go)
    ends = f"until {until:%Y-%m-%d %H:%M} UTC" if until is not None else "until it is undone"
    click.echo(f"Ignore {number} of {shown(matcher)} holds {ends}.")
    say_unmatched(matcher, unmatched)
    return exit_codes.OK


@click.command("undo-ignore")
@click.argument("number", type=options.OWN_ID, metavar="ID")
@options.config_option
@options.debug_option
def undo_ignore(number: int, config_path: Path | None) -> int:
    """Take an ignore away: what it hid counts again."""
    from mfl_lint.core.errors import Refused
    from mfl_lint.store import ignores

    async def go(store: Store, who: str, now: datetime) -> None:
        if not await ignores.undo_ignore(store, number, who=who, now=now):
            raise Refused(f"there is no ignore {number}; see `mfl-lint alerts handled`")

    with_store(config_path, go, creates=False)
    click.echo(f"Ignore {number} is undone.")
    return exit_codes.OK


@click.command("handled")
@options.config_option
@options.debug_option
def handled(config_path: Path | None) -> int:
    """List what people silence, acknowledge and ignore, with what undoes it.

    Ignores of the configuration are not among them.
    """
    from mfl_lint.report.paper import Paper
    from mfl_lint.store import handling, ignores

    async def go(store: Store, who: str, now: datetime) -> tuple[Handled, datetime]:
        silences = await handling.silences_of(store, now)
        acknowledged = await handling.acknowledged(store)
        return (silences, acknowledged, await ignores.set_ignores(store)), now

    rows = list(_handled_rows(*with_store(config_path, go, creates=False)))
    paper = Paper(width(), color=is_colorful(), unicode=is_unicode(None))
    if rows:
        paper.table(("what", "id", "of", "until", "who", "why"), rows)
    else:
        paper.line("Nothing is silenced, acknowledged or ignored by anybody.")
    write_report(paper.text(), None)
    return exit_codes.OK


def _handled_rows(held: Handled, now: datetime) -> Iterator[tuple[tuple[str, ...], str]]:
    silences, acknowledged, ignored = held
    for silence in silences:
        yield _cells("silence", silence.id, silence.matcher, silence.who, now)
    for one in acknowledged:
        place = f"{one.rule} {one.place}"
        yield ("acknowledged", one.fingerprint[:12], place, "mended", one.who, one.reason), ""
    for set_one in ignored:
        yield _cells("ignore", set_one.id, set_one.ignore, set_one.who, now)


def _cells(
    what: str, number: int, matcher: Ignore, who: str, now: datetime
) -> tuple[tuple[str, ...], str]:
    place = f"{matcher.rule} {matcher.registry}/{matcher.repository}:{matcher.tag}"
    over = matcher.expires is not None and matcher.expires <= now
    until = f"{matcher.expires:%Y-%m-%d %H:%M}" if matcher.expires else "undone"
    shown = f"{until}, over" if over else until
    return (what, str(number), place, shown, who, matcher.reason), "dim" if over else ""
