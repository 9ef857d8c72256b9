"""`mfl-lint users`: who may sign in, and what they may do."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import click

from mfl_lint.cli import exit_codes, options
from mfl_lint.cli.output import is_colorful, is_unicode, width, write_report

if TYPE_CHECKING:
    from mfl_lint.core.access import User
    from mfl_lint.store.engine import Store

T = TypeVar("T")
# Not read from the code that knows them: --help imports nothing of it. A test compares them.
ROLES: Final = ("viewer", "editor", "admin")
_MOST_BYTES: Final = 10_000

role_option: Final = click.option(
    "--role",
    type=click.Choice(ROLES),
    default="viewer",
    show_default=True,
    help="viewer reads; editor asks for looks and ignores findings too; admin sees all registries "
    "and what people did.",
)
password_option: Final = click.option(
    "--password-file",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Read the password from the first line of a file, or of the standard input (-). Without "
    "this it is asked for.",
)


@click.group("users")
def command() -> None:
    """Add, list, change and remove the people who may sign in.

    Once there is a user, pages and API ask who somebody is.
    """


@command.command("add")
@click.argument("name")
@role_option
@password_option
@click.option(
    "--no-password", is_flag=True, help="Only a reverse proxy or an OIDC issuer vouches for them."
)
@options.config_option
@options.debug_option
def add(
    name: str, role: str, password_file: Path | None, no_password: bool, config_path: Path | None
) -> int:
    """Add a user."""
    from mfl_lint.core.access import Role, user_name
    from mfl_lint.store import users

    if no_password and password_file is not None:
        raise click.UsageError("--password-file and --no-password exclude each other")
    known = user_name(name)
    kept = "" if no_password else _hashed(password_file)

    async def go(store: Store, who: str, now: datetime) -> None:
        await users.add_user(store, known, Role(role), kept, who=who, now=now)

    with_store(config_path, go)
    click.echo(f"Added {known} as {role}.")
    return exit_codes.OK


@command.command("list")
@options.config_option
@options.debug_option
def list_users(config_path: Path | None) -> int:
    """List the users."""
    from mfl_lint.report.paper import Paper
    from mfl_lint.store import users

    async def go(store: Store, who: str, now: datetime) -> tuple[User, ...]:
        return await users.all_users(store)

    nobody: tuple[User, ...] = ()
    known = with_store(config_path, go, nobody)
    paper = Paper(width(), color=is_colorful(), unicode=is_unicode(None))
    if not known:
        paper.line(
            "There are no users: pages are open, on loopback only. `mfl-lint users add NAME`"
        )
    else:
        rows = (_row(user) for user in known)
        paper.table(("name", "role", "state", "password", "added"), rows)
    write_report(paper.text(), None)
    return exit_codes.OK


def _row(user: User) -> tuple[tuple[str, ...], str]:
    state = "disabled" if user.disabled else "active"
    password = "yes" if user.has_password else "no"  # whether, not which
    cells = (user.name, str(user.role), state, password, f"{user.created_at:%Y-%m-%d}")
    return cells, "dim" if user.disabled else ""


@command.command("passwd")
@click.argument("name")
@password_option
@options.config_option
@options.debug_option
def passwd(name: str, password_file: Path | None, config_path: Path | None) -> int:
    """Set another password and end the user's sessions; API tokens stay."""
    from mfl_lint.store import users

    known = name.strip().lower()
    with_store(config_path, _is_known(known))
    kept = _hashed(password_file)

    async def go(store: Store, who: str, now: datetime) -> None:
        await users.set_password(store, known, kept, who=who, now=now)

    with_store(config_path, go)
    click.echo(f"{known} has another password; sessions of before are over.")
    return exit_codes.OK


@command.command("role")
@click.argument("name")
@click.argument("role", type=click.Choice(ROLES))
@options.config_option
@options.debug_option
def role(name: str, role: str, config_path: Path | None) -> int:
    """Give a user another role."""
    from mfl_lint.core.access import Role
    from mfl_lint.store import users

    known = name.strip().lower()

    async def go(store: Store, who: str, now: datetime) -> None:
        await users.set_role(store, known, Role(role), who=who, now=now)

    with_store(config_path, go)
    click.echo(f"{known} is {role} now.")
    return exit_codes.OK


@command.command("disable")
@click.argument("name")
@click.option("--undo", is_flag=True, help="Let the user in again.")
@options.config_option
@options.debug_option
def disable(name: str, undo: bool, config_path: Path | None) -> int:
    """Shut a user out, with all sessions and API tokens, and keep everything else."""
    return _let(name, config_path, is_in=undo)


@command.command("enable")
@click.argument("name")
@options.config_option
@options.debug_option
def enable(name: str, config_path: Path | None) -> int:
    """Let a user in again who was shut out; sessions of before stay over."""
    return _let(name, config_path, is_in=True)


def _let(name: str, config_path: Path | None, *, is_in: bool) -> int:
    from mfl_lint.store import users

    known = name.strip().lower()

    async def go(store: Store, who: str, now: datetime) -> None:
        await users.set_disabled(store, known, not is_in, who=who, now=now)

    with_store(config_path, go)
    click.echo(f"{known} may sign in again." if is_in else f"{known} is shut out.")
    return exit_codes.OK


@command.command("remove")
@click.argument("name")
@options.config_option
@options.debug_option
def remove(name: str, config_path: Path | None) -> int:
    """Forget a user with all sessions and API tokens; the audit keeps the name."""
    from mfl_lint.store import users

    known = name.strip().lower()

    async def go(store: Store, who: str, now: datetime) -> bool:
        await users.remove_user(store, known, who=who, now=now)
        return await users.any_user(store)

    others = with_store(config_path, go)
    click.echo(f"Removed {known}.")
    if not others:
        click.echo("Nobody is left: pages on loopback are open again, all others are shut.")
    return exit_codes.OK


def with_store(
    config_path: Path | None,
    work: Callable[[Store, str, datetime], Awaitable[T]],
    nothing: T | None = None,
    *,
    creates: bool = True,
) -> T:
    """Return what `work` returns, given the database, who runs the command, and the time.

    It is `nothing` where that is given and there is no database: none is created then. Where it
    `creates` none, that is a StoreError.
    """
    from mfl_lint.cli.settings import settings
    from mfl_lint.service.people import at_the_shell, check_there, is_there, open_people

    config = settings(config_path)

    async def go() -> T:
        if nothing is not None and not await is_there(config):
            return nothing
        if not creates:
            await check_there(config)
        async with open_people(config) as store:
            return await work(store, at_the_shell(), datetime.now(UTC))

    return asyncio.run(go())


def _is_known(name: str) -> Callable[[Store, str, datetime], Awaitable[None]]:
    """Return work that raises Refused for an unknown user, before anybody types a password."""

    async def go(store: Store, who: str, now: datetime) -> None:
        from mfl_lint.core.errors import Refused
        from mfl_lint.store import users

        if await users.user(store, name) is None:
            raise Refused(f"there is no user {name!r:.110}")

    return go


def _hashed(path: Path | None) -> str:
    """Return what is kept of the password that a file holds or somebody types."""
    import secrets

    from mfl_lint.core.password import SALT_BYTES, check_password, hash_password

    password = _password(path)
    check_password(password)
    return hash_password(password, secrets.token_bytes(SALT_BYTES))


def _password(path: Path | None) -> str:
    if path is None and sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    try:
        if path is None or str(path) == "-":
            raw = sys.stdin.buffer.readline(_MOST_BYTES)
        else:
            with path.open("rb") as file:
                raw = file.readline(_MOST_BYTES)
        return raw.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise click.UsageError("the password is not UTF-8") from None
    except OSError as error:
        raise click.UsageError(f"{path}: {error.strerror}") from None
