"""Requests for a look: scan-now and webhooks ask, the crawler takes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Select, case, delete, or_, select, text, tuple_, update

from mfl_lint.core.records import ASKED, THOROUGHLY, WEBHOOK, LookRequest
from mfl_lint.store import audit
from mfl_lint.store.engine import Store
from mfl_lint.store.inserts import insert_into
from mfl_lint.store.statements import all_rows, chunks, run
from mfl_lint.store.tables import look_requests

_PENDING: Final = look_requests.c.state == "pending"
_PLACE: Final = (look_requests.c.registry, look_requests.c.repository, look_requests.c.tag)
_AT_ONCE: Final = 100
_FORGOTTEN: Final = 500
HOT: Final = "hot"
THROTTLED: Final = "throttled"
AGAIN: Final = "again"
_PLAIN: Final = (THROTTLED, AGAIN)
_THOROUGH: Final = (THROTTLED + THOROUGHLY, AGAIN + THOROUGHLY)
# Why one is looked at again, which waits until the registry or whatever it was had some peace.
PATIENT: Final = (*_PLAIN, *_THOROUGH)
# In whose place each reason is taken: it could wait less, or is to be looked at more thoroughly.
# Where the two are one of each, it becomes what is both: as if a person asked.
_LESS: Final = {
    **dict.fromkeys(_PLAIN, ()),
    **dict.fromkeys(_THOROUGH, (*_PLAIN, HOT, WEBHOOK)),
    HOT: PATIENT,
    ASKED: (*PATIENT, HOT, WEBHOOK),
}
_TAKEN: Final = look_requests.c.state == "taken"


class Wanted(NamedTuple):
    """What to look at: a repository of a configured registry, or one tag of it."""

    registry: str
    repository: str
    tag: str = ""


async def request_look(
    store: Store,
    registry: str,
    repository: str,
    tag: str,
    now: datetime,
    reason: str,
    *,
    who: str = "",
) -> bool:
    """Ask for a look and return True, or False where the same one is pending already.

    One that was taken counts no more: it may have looked before what is asked about happened.
    One that is pending is made as thoroughly as each asks for. `who` is the person that
    asks, if it is one.
    """
    asked = Wanted(registry, repository, tag)
    return await request_looks(store, [asked], now, reason, who=who) == 1


async def request_looks(
    store: Store, wanted: Iterable[Wanted], now: datetime, reason: str, *, who: str = ""
) -> int:
    """Ask for looks in one transaction; return how many of them were not pending already.

    One that is pending and could have waited longer, or was to be less thorough, is as new: it is
    asked for now, and why.
    """
    every = sorted(set(wanted))  # all writers take their rows in one order
    places = tuple(dict.fromkeys((one.registry, one.repository) for one in every))

    def write(connection: Connection) -> int:
        count = _request_looks(connection, store.dialect, every, now, reason, who)
        if store.asked is not None:
            store.asked(connection, places, reason)
        return count

    return await store.write(write) if every else 0


def _request_looks(
    connection: Connection,
    dialect: str,
    wanted: Sequence[Wanted],
    now: datetime,
    reason: str,
    who: str,
) -> int:
    count = 0
    values = {"state": "pending", "reason": reason, "requested_at": now}
    for chunk in chunks(wanted, _AT_ONCE):
        asked = _asked(dialect, [{**one._asdict(), **values} for one in chunk], reason)
        for row in connection.execute(asked).all():
            count += 1
            if who:
                subject = f"{row.registry}/{row.repository}{row.tag and ':'}{row.tag}"
                audit.note(connection, who, "scan.ask", subject, now)
    return count


def _asked(dialect: str, rows: Sequence[Mapping[str, object]], reason: str) -> Any:
    """Return the statement that asks for looks, and returns those that it made or changed."""
    asked = insert_into(dialect, look_requests).values(rows)
    less = _LESS.get(reason, (*PATIENT, HOT))
    both = look_requests.c.reason.in_((HOT, WEBHOOK) if reason in _THOROUGH else _THOROUGH)
    return asked.on_conflict_do_update(
        index_elements=_PLACE,
        index_where=text("state = 'pending'"),
        set_={
            "reason": case((both, ASKED), else_=asked.excluded.reason),
            "requested_at": asked.excluded.requested_at,
        },
        where=look_requests.c.reason.in_(less),
    ).returning(*_PLACE)


def again(reason: str, *, thoroughly: bool) -> str:
    """Return the reason for what is looked at again, as thoroughly as it was to be."""
    return reason + THOROUGHLY if thoroughly else reason


async def pending_looks(store: Store, limit: int = 200) -> tuple[LookRequest, ...]:
    """Return the requests that nobody took yet, the oldest first."""
    query = select(look_requests).where(_PENDING).order_by(look_requests.c.id).limit(limit)
    if store.sees is not None:
        query = query.where(look_requests.c.registry.in_(store.sees))
    return tuple(map(_request, await store.read(all_rows, query)))


async def asked_tags(
    store: Store, registry: str, repository: str, *, after: int, limit: int = 100
) -> tuple[LookRequest, ...]:
    """Return the requests for tags of a repository, taken or not, whose ids are above `after`."""
    here = (look_requests.c.registry == registry) & (look_requests.c.repository == repository)
    query = select(look_requests).where(here, look_requests.c.id > after, look_requests.c.tag != "")
    found = await store.read(all_rows, query.order_by(look_requests.c.id).limit(limit))
    return tuple(map(_request, found))


async def take_looks(
    store: Store,
    limit: int,
    *,
    now: datetime,
    lease_s: float = 600.0,
    holder: str = "",
    besides: Collection[tuple[str, str]] = (),
    of: tuple[str, str] | None = None,
) -> tuple[LookRequest, ...]:
    """Take the oldest requests; one that is not done `lease_s` after it was taken comes again.

    `holder` takes them. None is of a repository among `besides`, pairs of registry and name; all
    are `of` that one, if it is given.
    """
    forgotten = look_requests.c.taken_at <= now - timedelta(seconds=lease_s)
    query = (
        select(look_requests)
        .where(or_(_PENDING, forgotten))
        .order_by(look_requests.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    if besides:
        place = tuple_(look_requests.c.registry, look_requests.c.repository)
        query = query.where(place.not_in(list(besides)))
    if of is not None:
        registry, repository = of
        query = query.where(
            look_requests.c.registry == registry, look_requests.c.repository == repository
        )
    rows = await store.write(_take, query, now, holder)
    return tuple(map(_request, rows))


def _request(row: Any) -> LookRequest:
    return LookRequest(row.id, row.registry, row.repository, row.tag, row.reason, row.requested_at)


def _take(connection: Connection, query: Select[Any], now: datetime, holder: str) -> Sequence[Any]:
    rows = connection.execute(query).all()
    if rows:
        taken = update(look_requests).where(look_requests.c.id.in_([row.id for row in rows]))
        connection.execute(taken.values(state="taken", taken_at=now, holder=holder))
    return rows


async def free_looks(store: Store, has_ended: Callable[[str], bool], now: datetime) -> int:
    """Let what holders took that have ended be taken again; return how many requests."""
    holders = await store.read(all_rows, select(look_requests.c.holder).where(_TAKEN).distinct())
    ended = [row.holder for row in holders if row.holder and has_ended(row.holder)]
    if not ended:
        return 0
    # Not pending again: the same may be pending already.
    freed = update(look_requests).where(_TAKEN, look_requests.c.holder.in_(ended))
    return await store.write(run, freed.values(taken_at=now - timedelta(days=1)))


async def forget_looks(store: Store, registries: Collection[str], before: datetime) -> int:
    """Forget some of what was asked for before, of other registries than these; return how many."""
    strange = look_requests.c.registry.not_in(registries)
    old = select(look_requests.c.id).where(strange, look_requests.c.requested_at < before)
    some = old.order_by(look_requests.c.id).limit(_FORGOTTEN)
    return await store.write(
        run, delete(look_requests).where(look_requests.c.id.in_(some.scalar_subquery()))
    )


async def done_looks(store: Store, ids: Collection[int]) -> None:
    """Forget requests that were taken and looked at."""
    if ids:
        await store.write(run, delete(look_requests).where(look_requests.c.id.in_(ids), ~_PENDING))
