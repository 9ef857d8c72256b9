"""The commands of `mfl-lint alerts` by which people take care of findings, or live with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from mfl_lint.cli import exit_codes, options
from mfl_lint.cli.output import is_colorful, is_unicode, width, write_report
from mfl_lint.cli.users import with_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mfl_lint.config import Config
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
    from mfl_lint.config_tables import parse_duration
    from mfl_lint.store import handling, matching

    try:
        span = timedelta(seconds=parse_duration(lasts, "--for"))
        until = datetime.now(UTC) + span
    except OverflowError:
        raise click.UsageError("--for: that is longer than a calendar goes") from None
    matcher = _matcher(rule, registry, repository, tag, reason, until)
    _check_registry(registry, find_config(config_path))

    async def go(store: Store, who: str, now: datetime) -> tuple[int, str]:
        number = await handling.set_silence(store, matcher, who=who, now=now)
        return number, await matching.unmatched(store, matcher)

    number, unmatched = with_store(config_path, go)
    click.echo(
        f"Silence {number} of {_shown(matcher)} ends at {matcher.expires:%Y-%m-%d %H:%M} UTC."
    )
    _say_unmatched(matcher, unmatched)
    return exit_codes.OK


def _shown(matcher: Ignore) -> str:
    """Return what a silence or an ignore is about, in one word each."""
    from mfl_lint.report.inert import inert

    place = f"{matcher.registry}/{matcher.repository}:{matcher.tag}"
    return inert(f"{'all rules' if matcher.rule == '*' else matcher.rule} on {place}")


def _say_unmatched(matcher: Ignore, unmatched: str) -> None:
    """Say which pattern matches nothing so far: it may be a typing error."""
    from mfl_lint.cli.failures import say
    from mfl_lint.config_policy import rule_names
    from mfl_lint.core.policy import glob_matches

    rules = {rule for ids in rule_names().values() for rule in ids}
    if not any(glob_matches(matcher.rule, rule) for rule in rules):
        say(f"note: nothing matched --rule {matcher.rule}; `mfl-lint rules` lists the rules")
    if unmatched:
        pattern = matcher.repository if unmatched == "repository" else matcher.tag
        say(f"note: nothing matched --{unmatched} {pattern} yet: no crawl has seen such a one")


def _matcher(
    rule: str, registry: str, repository: str, tag: str, reason: str, until: datetime | None
) -> Ignore:
    from mfl_lint.config_checks import check_globs
    from mfl_lint.config_policy import rule_names, rule_pattern
    from mfl_lint.core.policy import Ignore

    check_globs((rule, registry, repository, tag), "--rule, --registry, --repository, --tag")
    pattern = rule_pattern(rule, "--rule", rule_names())
    return Ignore(pattern, _reason(reason), registry, repository, tag, until)


def _check_registry(pattern: str, config: Config) -> None:
    """Refuse a name that no registry has; say of a pattern that it matches none."""
    from mfl_lint.cli.failures import say
    from mfl_lint.core.policy import any_glob

    known = [one.name for one in config.registries]
    if any(any_glob((pattern,), name) for name in known):
        return
    there = f"configured are {', '.join(known)}" if known else "none is configured"
    if set(pattern) & set("*?["):
        say(f"note: --registry {pattern} matches no registry: {there}")
    else:
        raise click.UsageError(f"--registry: no registry is called {pattern!r:.80}; {there}")


def _reason(text: str) -> str:
    reason = " ".join(text.split())
    if not 0 < len(reason) <= 500 or not reason.isprintable():
        raise click.UsageError("--reason: say why, in at most 500 characters")
    return reason


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

    why = "" if undo else _reason(reason)

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
    from mfl_lint.config_tables import parse_duration
    from mfl_lint.store import ignores, matching

    try:
        span = timedelta(seconds=parse_duration(lasts, "--for")) if lasts else None
        until = datetime.now(UTC) + span if span is not None else None
    except OverflowError:
        raise click.UsageError("--for: that is longer than a calendar goes") from None
    matcher = _matcher(rule, registry, repository, tag, reason, until)
    _check_registry(registry, find_config(config_path))

    async def go(store: Store, who: str, now: datetime) -> tuple[int, str]:
        number = await ignores.set_ignore(store, matcher, who=who, now=now)
        return number, await matching.unmatched(store, matcher)

    number, unmatched = with_store(config_path, go)
    ends = f"until {until:%Y-%m-%d %H:%M} UTC" if until is not None else "until it is undone"
    click.echo(f"Ignore {number} of {_shown(matcher)} holds {ends}.")
    _say_unmatched(matcher, unmatched)
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
