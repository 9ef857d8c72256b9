"""People that are known by name. Whoever changes one says who does it: `who`, for the audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, exists, select, update

from mfl_lint.core.access import Role, User
from mfl_lint.core.errors import Refused
from mfl_lint.store import audit
from mfl_lint.store.engine import Store
from mfl_lint.store.inserts import insert_into
from mfl_lint.store.statements import all_rows, one_row
from mfl_lint.store.tables import sessions, users


async def add_user(
    store: Store, name: str, role: Role, password: str, *, who: str, now: datetime
) -> None:
    """Add a user with the hash of a password ("" = none); raise Refused if the name is taken."""
    if not await store.write(_add, name, role, password, who, now):
        raise Refused(f"there is a user {name!r} already")


async def known_or_new(store: Store, name: str, role: Role, *, who: str, now: datetime) -> None:
    """Add somebody whom an issuer vouches for, unless the user is known already."""
    await store.write(_add, name, role, "", who, now)


def _add(
    connection: Connection, name: str, role: Role, password: str, who: str, now: datetime
) -> bool:
    insert = insert_into(connection.dialect.name, users).values(
        name=name, role=str(role), password=password, disabled=False, created_at=now
    )
    new = insert.on_conflict_do_nothing().returning(users.c.id)
    if connection.execute(new).one_or_none() is None:
        return False
    audit.note(connection, who, "user.add", f"{name} as {role}", now)
    return True


async def all_users(store: Store) -> tuple[User, ...]:
    """Return all users by name."""
    return tuple(map(_user, await store.read(all_rows, select(users).order_by(users.c.name))))


async def user(store: Store, name: str) -> User | None:
    """Return one user."""
    row = await store.read(one_row, select(users).where(users.c.name == name))
    return None if row is None else _user(row)


async def any_user(store: Store) -> bool:
    """Say whether anybody is known, disabled or not."""
    return bool((await store.read(one_row, select(exists(select(users.c.id)))))[0])


async def kept_password(store: Store, name: str) -> str:
    """Return the hash of the password of a user who may sign in, "" where there is none."""
    query = select(users.c.password).where(users.c.name == name, users.c.disabled.is_(False))
    row = await store.read(one_row, query)
    return "" if row is None else str(row.password)


async def set_password(store: Store, name: str, password: str, *, who: str, now: datetime) -> None:
    """Keep another password's hash, and end the user's sessions; Refused for an unknown user."""
    await store.write(_change, name, {"password": password}, who, "user.password", "", now)


async def set_role(store: Store, name: str, role: Role, *, who: str, now: datetime) -> None:
    """Give a user another role; Refused if there is no such user."""
    await store.write(_change, name, {"role": str(role)}, who, "user.role", f" as {role}", now)


async def set_disabled(store: Store, name: str, disabled: bool, *, who: str, now: datetime) -> None:
    """Shut a user out, or let them in again; Refused if there is no such user."""
    action = "user.disable" if disabled else "user.enable"
    await store.write(_change, name, {"disabled": disabled}, who, action, "", now)


def _change(
    connection: Connection,
    name: str,
    values: dict[str, Any],
    who: str,
    action: str,
    more: str,
    now: datetime,
) -> None:
    """Change a user's row. Sessions end: what they stood for is not so any more."""
    change = update(users).where(users.c.name == name).values(**values).returning(users.c.id)
    row = connection.execute(change).one_or_none()
    if row is None:
        raise Refused(f"there is no user {name!r:.110}")
    if action != "user.enable":
        connection.execute(delete(sessions).where(sessions.c.user_id == row.id))
    audit.note(connection, who, action, f"{name}{more}", now)


async def remove_user(store: Store, name: str, *, who: str, now: datetime) -> None:
    """Forget a user with all tokens and sessions; Refused if there is no such user."""
    await store.write(_remove, name, who, now)


def _remove(connection: Connection, name: str, who: str, now: datetime) -> None:
    gone = delete(users).where(users.c.name == name)
    if not connection.execute(gone).rowcount:
        raise Refused(f"there is no user {name!r:.110}")
    audit.note(connection, who, "user.remove", name, now)


def _user(row: Any) -> User:
    return User(row.name, Role(row.role), bool(row.disabled), row.created_at, bool(row.password))
