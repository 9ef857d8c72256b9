"""`mfl-lint tokens`: what programs show to the API instead of a password."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from mfl_lint.cli import exit_codes, options
from mfl_lint.cli.output import is_colorful, is_unicode, width, write_report
from mfl_lint.cli.users import with_store

if TYPE_CHECKING:
    from mfl_lint.core.access import ApiToken
    from mfl_lint.store.engine import Store

# Not read from the code that knows them: --help imports nothing of it. A test compares them.
SCOPES: Final = ("read", "scan", "ignore", "push", "audit")


@click.group("tokens")
def command() -> None:
    """Make, list and revoke API tokens.

    A program sends one as `Authorization: Bearer TOKEN`.
    """


@command.command("add")
@click.argument("name")
@click.option("--user", required=True, help="Whose token it is: it can do no more than its user.")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    default=("read",),
    show_default=True,
    help="What it is for; repeat for several.",
)
@click.option("--expires", metavar="DURATION", help="After how long it is over, e.g. 90d.")
@options.config_option
@options.debug_option
def add(
    name: str, user: str, scopes: tuple[str, ...], expires: str | None, config_path: Path | None
) -> int:
    """Make a token and print it: this once, since only its hash is kept."""
    from mfl_lint.config_tables import parse_duration
    from mfl_lint.core.access import Right, token_name
    from mfl_lint.core.secret import new_token, secret_digest
    from mfl_lint.store import api_tokens

    lasts_s = parse_duration(expires, "--expires") if expires else None
    if lasts_s == 0:
        raise click.UsageError("--expires: a token that is over at once is of no use")
    known, secret = token_name(name), new_token()

    async def go(store: Store, who: str, now: datetime) -> None:
        await api_tokens.add_token(
            store,
            user.strip().lower(),
            known,
            secret_digest(secret),
            {Right(scope) for scope in scopes},
            expires=_end(now, lasts_s),
            who=who,
            now=now,
        )

    with_store(config_path, go)
    click.echo(secret)
    click.echo("Keep it: it is not shown again.", err=True)
    return exit_codes.OK


def _end(now: datetime, lasts_s: float | None) -> datetime | None:
    if lasts_s is None:
        return None
    try:
        return now + timedelta(seconds=lasts_s)
    except OverflowError:
        raise click.UsageError("--expires: that is longer than a calendar goes") from None


@command.command("list")
@options.config_option
@options.debug_option
def list_tokens(config_path: Path | None) -> int:
    """List the tokens; none is ever shown itself."""
    from mfl_lint.report.paper import Paper
    from mfl_lint.store import api_tokens

    async def go(store: Store, who: str, now: datetime) -> tuple[ApiToken, ...]:
        return await api_tokens.all_tokens(store)

    none: tuple[ApiToken, ...] = ()
    now, known = datetime.now(UTC), with_store(config_path, go, none)
    paper = Paper(width(), color=is_colorful(), unicode=is_unicode(None))
    if not known:
        paper.line("There are no tokens: `mfl-lint tokens add NAME --user USER` makes one.")
    else:
        titles = ("name", "user", "scopes", "made", "last used", "state")
        paper.table(titles, (_row(token, now) for token in known))
    write_report(paper.text(), None)
    return exit_codes.OK


def _row(token: ApiToken, now: datetime) -> tuple[tuple[str, ...], str]:
    over = token.expires_at is not None and token.expires_at <= now
    if token.revoked_at is not None:
        state = f"revoked {token.revoked_at:%Y-%m-%d}"
    elif token.expires_at is not None:
        state = f"{'over since' if over else 'until'} {token.expires_at:%Y-%m-%d}"
    else:
        state = "without end"
    used = f"{token.last_used_at:%Y-%m-%d %H:%M}" if token.last_used_at else "never"
    scopes = ", ".join(map(str, token.scopes))
    cells = (token.name, token.user, scopes, f"{token.created_at:%Y-%m-%d}", used, state)
    return cells, "dim" if over or token.revoked_at is not None else ""


@command.command("revoke")
@click.argument("name")
@options.config_option
@options.debug_option
def revoke(name: str, config_path: Path | None) -> int:
    """Make a token worthless, within seconds, for good."""
    from mfl_lint.store import api_tokens

    async def go(store: Store, who: str, now: datetime) -> bool:
        return await api_tokens.revoke_token(store, name, who=who, now=now)

    new = with_store(config_path, go)
    click.echo(f"Revoked {name}." if new else f"{name} was revoked before.")
    return exit_codes.OK
