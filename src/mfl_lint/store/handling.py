"""What people do about findings beside mending them: silences and acknowledgements, audited."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, func, insert, or_, select

from mfl_lint.core.errors import Refused
from mfl_lint.core.messages import Acknowledgement, Handling, Silence
from mfl_lint.core.policy import Ignore
from mfl_lint.core.truth import FindingState
from mfl_lint.store import audit
from mfl_lint.store.engine import Store
from mfl_lint.store.findings import findings_in_place
from mfl_lint.store.inserts import upsert
from mfl_lint.store.marks import free_held
from mfl_lint.store.news import alone
from mfl_lint.store.revisions import touch
from mfl_lint.store.statements import all_rows, visible
from mfl_lint.store.tables import acknowledgements, findings, ignores, registries, silences

# Each piece of news is compared with every one of them.
MOST: Final = 500
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{8,64}")


def handled(connection: Connection, now: datetime) -> Handling:
    """Return what holds at `now`, but for the ignores of the configuration."""
    set_here = select(ignores).where(or_(ignores.c.expires.is_(None), ignores.c.expires > now))
    silent = select(silences).where(silences.c.expires > now)
    return Handling(
        ignores=tuple(map(_matcher, connection.execute(set_here))),
        silences=tuple(map(_matcher, connection.execute(silent))),
        acknowledged=frozenset(row.fingerprint for row in connection.execute(_STANDING)),
    )


def _matcher(row: Any) -> Ignore:
    return Ignore(row.rule, row.reason, row.registry, row.repository, row.tag, row.expires)


def _acknowledged() -> Select[Any]:
    """Return the query of what is acknowledged: until it resolves, and not when it opens again."""
    same = and_(
        findings.c.fingerprint == acknowledgements.c.fingerprint,
        findings.c.first_seen_at == acknowledgements.c.first_seen_at,
    )
    return (
        findings_in_place(
            acknowledgements.c.who,
            acknowledgements.c.reason,
            acknowledgements.c.at,
        )
        .join(acknowledgements, same)
        .where(findings.c.state != FindingState.RESOLVED.value)
    )


_STANDING: Final = _acknowledged()


async def set_silence(store: Store, matcher: Ignore, *, who: str, now: datetime) -> int:
    """Silence what matches until it expires, and return the silence's id; Refused for too many."""
    return await store.write(_silence, matcher, who, now)


def _silence(connection: Connection, matcher: Ignore, who: str, now: datetime) -> int:
    if matcher.expires is None or matcher.expires <= now:
        raise Refused("a silence ends at a time to come")
    held = select(func.count()).select_from(silences).where(silences.c.expires > now)
    if (connection.scalar(held) or 0) >= MOST:
        raise Refused(f"there are {MOST} silences already: end some")
    row = {
        "rule": matcher.rule,
        "registry": matcher.registry,
        "repository": matcher.repository,
        "tag": matcher.tag,
        "reason": matcher.reason,
        "who": who,
        "created_at": now,
        "expires": matcher.expires,
    }
    new = insert(silences).values(row).returning(silences.c.id)
    number = int(connection.execute(new).scalar_one())
    audit.note(connection, who, "silence.set", _told(number, matcher), now)
    _touch(connection, matcher.registry)
    return number


def _told(number: int, matcher: Ignore) -> str:
    until = f" until {matcher.expires.isoformat()}" if matcher.expires else ""
    place = f"{matcher.registry}/{matcher.repository}:{matcher.tag}"
    return f"{number}: {matcher.rule} on {place}{until}: {matcher.reason}"


def _touch(connection: Connection, registry: str) -> None:
    """Say that pages and feeds of the registry are others now."""
    query = select(registries.c.id).where(registries.c.name == registry)
    for row in connection.execute(query).all():
        touch(connection, row.id)


async def silences_of(store: Store, now: datetime) -> tuple[Silence, ...]:
    """Return the silences that hold, the newest first."""
    query = select(silences).where(silences.c.expires > now).order_by(silences.c.id.desc())
    if store.sees is not None:
        query = query.where(silences.c.registry.in_(store.sees))
    rows = await store.read(all_rows, query)
    return tuple(Silence(row.id, _matcher(row), row.who, row.created_at) for row in rows)


async def end_silence(store: Store, id: int, *, who: str, now: datetime) -> bool:  # noqa: A002  # the field's word
    """End a silence, and say whether there was one for whoever asks."""
    return await store.write(_end, id, store.sees, who, now)


def _end(
    connection: Connection, number: int, sees: frozenset[str] | None, who: str, now: datetime
) -> bool:
    alone(connection)
    gone = delete(silences).where(silences.c.id == number)
    if sees is not None:
        gone = gone.where(silences.c.registry.in_(sees))
    row = connection.execute(gone.returning(silences)).one_or_none()
    if row is None:
        return False
    audit.note(connection, who, "silence.end", _told(number, _matcher(row)), now)
    free_held(connection, now)
    _touch(connection, row.registry)
    return True


async def acknowledge(
    store: Store, fingerprint: str, reason: str, *, who: str, now: datetime
) -> Acknowledgement | None:
    """Acknowledge a finding that stands, and return that; None where there is none.

    Eight or more hex digits name the finding whose fingerprint begins so; raise Refused where
    several do.
    """
    return await store.write(_acknowledge, store.sees, fingerprint, reason, who, now)


def _acknowledge(
    connection: Connection,
    sees: frozenset[str] | None,
    fingerprint: str,
    reason: str,
    who: str,
    now: datetime,
) -> Acknowledgement | None:
    query = findings_in_place().where(findings.c.state != FindingState.RESOLVED.value)
    row = _only(connection, visible(sees, query), fingerprint)
    if row is None:
        return None
    made = {
        "fingerprint": row.fingerprint,
        "first_seen_at": row.first_seen_at,
        "who": who,
        "reason": reason,
        "at": now,
    }
    upsert(connection, acknowledgements, [made], unique=("fingerprint",))
    place = _place(row)
    audit.note(connection, who, "finding.acknowledge", f"{row.rule} on {place}: {reason}", now)
    touch(connection, row.registry_id)
    return Acknowledgement(row.fingerprint, who, reason, now, place, row.rule, row.registry)


def _only(connection: Connection, query: Select[Any], start: str) -> Any:
    """Return the query's finding whose fingerprint begins so; Refused where several do."""
    if not _FINGERPRINT.fullmatch(start):
        return None
    rows = connection.execute(query.where(_begins(start)).limit(2)).all()
    if len(rows) > 1:
        raise Refused(f"several fingerprints begin with {start}: say more of it")
    return rows[0] if rows else None


def _begins(start: str) -> ColumnElement[bool]:
    # A range, which the index of fingerprints answers: no hex digit comes after "f".
    column = findings.c.fingerprint
    return and_(column >= start, column < f"{start}g")


def _place(row: Any) -> str:
    return f"{row.registry}/{row.repository}" + (f":{row.tag}" if row.tag else "")


async def acknowledged(store: Store) -> tuple[Acknowledgement, ...]:
    """Return what is acknowledged and stands, the newest first."""
    query = visible(store.sees, _STANDING).order_by(acknowledgements.c.at.desc(), findings.c.id)
    return tuple(
        Acknowledgement(
            row.fingerprint, row.who, row.reason, row.at, _place(row), row.rule, row.registry
        )
        for row in await store.read(all_rows, query.limit(MOST))
    )


async def unacknowledge(store: Store, fingerprint: str, *, who: str, now: datetime) -> bool:
    """Take an acknowledgement back, and say whether there was one for whoever asks.

    The finding is named as in `acknowledge`.
    """
    return await store.write(_unacknowledge, store.sees, fingerprint, who, now)


def _unacknowledge(
    connection: Connection, sees: frozenset[str] | None, fingerprint: str, who: str, now: datetime
) -> bool:
    row = _only(connection, visible(sees, _STANDING), fingerprint)
    if row is None:
        return False
    connection.execute(
        delete(acknowledgements).where(acknowledgements.c.fingerprint == row.fingerprint)
    )
    audit.note(connection, who, "finding.unacknowledge", f"{row.rule} on {_place(row)}", now)
    touch(connection, row.registry_id)
    return True
