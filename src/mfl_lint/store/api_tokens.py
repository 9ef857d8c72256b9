"""API tokens: of each only its SHA-256 is kept, so that nobody can read one out again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Select, insert, select, update

from mfl_lint.core.access import ApiToken, Person, Right, Role
from mfl_lint.core.errors import Refused
from mfl_lint.store import audit
from mfl_lint.store.engine import Store
from mfl_lint.store.statements import all_rows, one_row, run
from mfl_lint.store.tables import api_tokens, users

_USE_NOTED_EVERY: Final = timedelta(minutes=1)


async def add_token(
    store: Store,
    user: str,
    name: str,
    digest: str,
    scopes: Iterable[Right],
    *,
    expires: datetime | None,
    who: str,
    now: datetime,
) -> None:
    """Keep the hash of a new token of a user; raise Refused for an unknown one or a taken name."""
    values = {
        "name": name,
        "digest": digest,
        "scopes": " ".join(sorted(map(str, scopes))),
        "created_at": now,
        "expires_at": expires,
    }
    await store.write(_add, user, values, who, now)


def _add(
    connection: Connection, user: str, values: dict[str, Any], who: str, now: datetime
) -> None:
    owner = connection.scalar(select(users.c.id).where(users.c.name == user))
    if owner is None:
        raise Refused(f"there is no user {user!r:.110}")
    name = values["name"]
    taken = select(api_tokens.c.id).where(api_tokens.c.name == name)
    if connection.scalar(taken) is not None:
        raise Refused(f"there is, or was, a token {name!r} already")
    connection.execute(insert(api_tokens).values(user_id=owner, **values))
    audit.note(connection, who, "token.add", f"{name} of {user}: {values['scopes']}", now)


async def all_tokens(store: Store) -> tuple[ApiToken, ...]:
    """Return all tokens, revoked ones too, in the order in which they were made."""
    rows = await store.read(all_rows, _tokens().order_by(api_tokens.c.id))
    return tuple(
        ApiToken(
            id=row.id,
            name=row.name,
            user=row.user,
            scopes=_scopes(row),
            created_at=row.created_at,
            last_used_at=row.last_used_at,
            expires_at=row.expires_at,
            revoked_at=row.revoked_at,
        )
        for row in rows
    )


async def revoke_token(store: Store, name: str, *, who: str, now: datetime) -> bool:
    """Make a token worthless, and say whether it was not already; Refused for an unknown name."""
    return await store.write(_revoke, name, who, now)


def _revoke(connection: Connection, name: str, who: str, now: datetime) -> bool:
    here = api_tokens.c.name == name
    if connection.scalar(select(api_tokens.c.id).where(here)) is None:
        raise Refused(f"there is no token {name!r:.110}")
    change = update(api_tokens).where(here, api_tokens.c.revoked_at.is_(None))
    if not connection.execute(change.values(revoked_at=now)).rowcount:
        return False
    audit.note(connection, who, "token.revoke", name, now)
    return True


async def bearer(store: Store, digest: str, now: datetime) -> Person | None:
    """Return who sends the token of that hash; None if it is unknown, over, or its user shut out.

    Its use is noted once a minute at most.
    """
    query = _tokens().where(
        api_tokens.c.digest == digest,
        api_tokens.c.revoked_at.is_(None),
        users.c.disabled.is_(False),
    )
    row = await store.read(one_row, query)
    if row is None or (row.expires_at is not None and row.expires_at <= now):
        return None
    if row.last_used_at is None or now - row.last_used_at >= _USE_NOTED_EVERY:
        change = update(api_tokens).where(api_tokens.c.id == row.id)
        await store.write(run, change.values(last_used_at=now))
    return Person(row.user, Role(row.role), frozenset(_scopes(row)))


def _tokens() -> Select[Any]:
    owner = (users.c.name.label("user"), users.c.role)
    return select(api_tokens, *owner).join(users, users.c.id == api_tokens.c.user_id)


def _scopes(row: Any) -> tuple[Right, ...]:
    return tuple(map(Right, row.scopes.split()))
