"""Who is signed in. Of a session's cookie only the SHA-256 is kept."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from mfl_lint.core.access import Person, Role
from mfl_lint.core.errors import Refused
from mfl_lint.store import audit
from mfl_lint.store.engine import Store
from mfl_lint.store.statements import one_row
from mfl_lint.store.tables import sessions, users


async def begin_session(
    store: Store, user: str, digest: str, *, now: datetime, expires: datetime
) -> None:
    """Let a user in; raise Refused for one who is unknown or shut out. Old sessions go."""
    await store.write(_begin, user, digest, now, expires)


def _begin(
    connection: Connection, user: str, digest: str, now: datetime, expires: datetime
) -> None:
    known = select(users.c.id).where(users.c.name == user, users.c.disabled.is_(False))
    owner = connection.scalar(known)
    if owner is None:
        raise Refused("this user may not sign in")
    connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
    new = insert(sessions).values(digest=digest, user_id=owner, created_at=now, expires_at=expires)
    connection.execute(new)
    audit.note(connection, user, "session.begin", user, now)


async def signed_in(store: Store, digest: str, now: datetime) -> Person | None:
    """Return whose session it is; None if it is unknown, over, or its user shut out."""
    query = (
        select(users.c.name, users.c.role)
        .join(sessions, sessions.c.user_id == users.c.id)
        .where(sessions.c.digest == digest, sessions.c.expires_at > now)
        .where(users.c.disabled.is_(False))
    )
    row = await store.read(one_row, query)
    return None if row is None else Person(row.name, Role(row.role))


async def end_session(store: Store, digest: str, *, who: str, now: datetime) -> None:
    """Forget a session."""
    await store.write(_end, digest, who, now)


def _end(connection: Connection, digest: str, who: str, now: datetime) -> None:
    if connection.execute(delete(sessions).where(sessions.c.digest == digest)).rowcount:
        audit.note(connection, who, "session.end", who, now)
