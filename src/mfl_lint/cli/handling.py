"""The commands of `mfl-lint alerts` by which people take care of findings, or live with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from mfl_lint.cli import exit_codes, options
from mfl_lint.cli.users import with_store

if TYPE_CHECKING:
    from mfl_lint.config import Config
    from mfl_lint.core.policy import Ignore
    from mfl_lint.store.engine import Store

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
    from mfl_lint.store import handling

    try:
        span = timedelta(seconds=parse_duration(lasts, "--for"))
        until = datetime.now(UTC) + span
    except OverflowError:
        raise click.UsageError("--for: that is longer than a calendar goes") from None
    matcher = _matcher(rule, registry, repository, tag, reason, until)
    _check_registry(registry, find_config(config_path))

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

    with_store(config_path, go, creates=False)
    click.echo("Taken back." if undo else "Acknowledged.")
    return exit_codes.OK


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
    from mfl_lint.store import ignores

    try:
        span = timedelta(seconds=parse_duration(lasts, "--for")) if lasts else None
        until = datetime.now(UTC) + span if span is not None else None
    except OverflowError:
        raise click.UsageError("--for: that is longer than a calendar goes") from None
    matcher = _matcher(rule, registry, repository, tag, reason, until)
    _check_registry(registry, find_config(config_path))

    async def go(store: Store, who: str, now: datetime) -> int:
        return await ignores.set_ignore(store, matcher, who=who, now=now)

    click.echo(f"Ignore {with_store(config_path, go)} holds.")
    return exit_codes.OK
