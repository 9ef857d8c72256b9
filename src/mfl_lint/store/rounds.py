"""Rounds that workers carry out: which repositories wait, and what the next job is.

Every step commits together with the jobs that follow from it, and may be taken twice: a job that
was killed runs again. Few jobs wait at a time, one for each slot of a host; each that ends
enqueues the next one of its slot, and the last one the round's end.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

import msgspec
from sqlalchemy import (
    Connection,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal_column,
    select,
    text,
    update,
)

from mfl_lint.store.crawls import begin_crawl
from mfl_lint.store.engine import Store
from mfl_lint.store.leading import check_leads
from mfl_lint.store.pace import paced
from mfl_lint.store.queue import BEGIN, CRAWL, END, JobSpec, Queue
from mfl_lint.store.queue_tables import JOBS, parts, rounds
from mfl_lint.store.revisions import touch
from mfl_lint.store.round_states import RUNNING, Part, Round
from mfl_lint.store.statements import chunks
from mfl_lint.store.tables import crawls, registries

_BUSY: Final = text(
    f"SELECT DISTINCT (args->>'crawl_id')::bigint AS crawl_id FROM {JOBS}"  # noqa: S608
    " WHERE status IN ('todo', 'doing') AND args ? 'crawl_id'"
)


_ENDED: Final = (
    select(crawls.c.finished_at)
    .join(registries, registries.c.id == crawls.c.registry_id)
    .where(registries.c.name == bindparam("registry"), crawls.c.partial.is_(False))
    .order_by(crawls.c.id.desc())
    .limit(1)
)
# The oldest round of which there are repositories, if nobody knows it any more.
_OLDEST: Final = (
    select(parts.c.crawl_id)
    .where(parts.c.crawl_id == select(func.min(parts.c.crawl_id)).scalar_subquery())
    .where(parts.c.crawl_id.not_in(select(rounds.c.crawl_id)))
    .limit(1)
)
# So many repositories of a round that is over go in one transaction.
_SWEPT: Final = 2000


def slot_lock(host: str, slot: int) -> str:
    """Return the lock of one of a host's slots."""
    return f"{host}/{slot}"


def _job(task: str, round_: Any, slot: int, **args: Any) -> JobSpec:
    args = {"crawl_id": round_.crawl_id, "registry": round_.registry, "slot": slot, **args}
    return JobSpec(task, args, slot_lock(round_.host, slot))


def _end_job(round_: Any) -> JobSpec:
    args = {"crawl_id": round_.crawl_id, "registry": round_.registry}
    return JobSpec(END, args, once=f"end/{round_.crawl_id}")


async def open_round(
    store: Store, queue: Queue, fence: int, place: tuple[str, str, int], now: datetime
) -> int | None:
    """Begin a round of a `place`: registry, host and its slots; None where one is under way.

    LeadershipLost where somebody else leads by now.
    """
    return await store.write(_open, queue, fence, place, now)


def _open(
    connection: Connection, queue: Queue, fence: int, place: tuple[str, str, int], now: datetime
) -> int | None:
    check_leads(connection, fence)
    registry, host, slots = place
    held = connection.execute(select(rounds).where(rounds.c.registry == registry)).one_or_none()
    if held is not None:
        if connection.scalar(select(crawls.c.id).where(crawls.c.id == held.crawl_id, RUNNING)):
            return None
        _forget(connection, [held.crawl_id])
    # Whoever ended the last one may have a clock that is ahead, or did so just now.
    ended = connection.scalar(_ENDED, {"registry": registry})
    now = max(now, ended) if ended is not None else now
    number = begin_crawl(connection, registry, now, partial=False)
    values = {
        "crawl_id": number,
        "registry": registry,
        "host": host,
        "slots": slots,
        "started_at": now,
        "since": now,
    }
    made = connection.execute(insert(rounds).values(values).returning(rounds)).one()
    queue.put(connection, [_job(BEGIN, made, 0)])
    return number


def _forget(connection: Connection, crawl_ids: Collection[int]) -> None:
    """Forget rounds; their repositories are swept by and by, since there can be millions."""
    connection.execute(delete(rounds).where(rounds.c.crawl_id.in_(crawl_ids)))


def _sweep(connection: Connection, crawl_id: int) -> int:
    """Remove some of the repositories of a round that is over, and return how many."""
    some = select(parts.c.repository).where(parts.c.crawl_id == crawl_id).limit(_SWEPT)
    over = delete(parts).where(parts.c.crawl_id == crawl_id, parts.c.repository.in_(some))
    return connection.execute(over).rowcount


async def plan(
    store: Store,
    queue: Queue,
    crawl_id: int,
    names: Sequence[str],
    since: datetime,
    listed: tuple[str, str, bool],
    *,
    requests: int,
) -> None:
    """Note the repositories to crawl and how `listed` ended; enqueue the first job of each slot."""
    await store.write(_plan, queue, crawl_id, names, since, listed, requests)


def _plan(
    connection: Connection,
    queue: Queue,
    crawl_id: int,
    names: Sequence[str],
    since: datetime,
    listed: tuple[str, str, bool],
    requests: int,
) -> None:
    mine = rounds.c.crawl_id == crawl_id
    row = connection.execute(select(rounds).where(mine).with_for_update()).one_or_none()
    if row is None or row.planned:
        return
    for chunk in chunks(names):
        connection.execute(
            insert(parts), [{"crawl_id": crawl_id, "repository": name} for name in chunk]
        )
    look, detail, complete = listed
    known = {"planned": True, "since": since, "look": look, "detail": detail, "complete": complete}
    connection.execute(update(rounds).where(mine).values(known))
    change = (
        update(crawls)
        .where(crawls.c.id == crawl_id)
        .values(repositories=len(names), requests=crawls.c.requests + requests)
    )
    touch(connection, connection.execute(change.returning(crawls.c.registry_id)).scalar_one())
    _seed(connection, queue, row, range(row.slots))


def _seed(connection: Connection, queue: Queue, round_: Any, free: Iterable[int]) -> None:
    """Enqueue a repository for each of the slots, or the end where none is left."""
    jobs = [job for slot in free if (job := _next(connection, round_, slot)) is not None]
    left = select(parts.c.repository).where(
        parts.c.crawl_id == round_.crawl_id, parts.c.state != "done"
    )
    if not jobs and connection.execute(left.limit(1)).first() is None:
        jobs = [_end_job(round_)]
    queue.put(connection, jobs)


def _next(connection: Connection, round_: Any, slot: int) -> JobSpec | None:
    """Return the job of the next repository that waits, which nobody else takes."""
    waiting = (parts.c.crawl_id == round_.crawl_id) & (parts.c.state == "waiting")
    query = select(parts.c.repository).where(waiting).order_by(parts.c.repository).limit(1)
    name = connection.scalar(query.with_for_update(skip_locked=True))
    if name is None:
        return None
    _set(connection, round_.crawl_id, name, {"state": "queued"})
    return _job(CRAWL, round_, slot, repository=name)


def _set(connection: Connection, crawl_id: int, name: str, values: dict[str, Any]) -> int:
    mine = (parts.c.crawl_id == crawl_id) & (parts.c.repository == name)
    change = update(parts).where(mine, parts.c.state != "done").values(values)
    return connection.execute(change).rowcount


async def end_part(
    store: Store,
    queue: Queue,
    round_: Round,
    part: Part,
    slot: int,
    *,
    requests: int,
    problem: str,
) -> None:
    """Note how a repository's crawl ended, and enqueue what comes next in its slot.

    Nothing happens where that was noted before. `problem` is a line for people, or "".
    """
    await store.write(_end_part, queue, round_, part, slot, requests, problem)


def _end_part(
    connection: Connection,
    queue: Queue,
    round_: Round,
    part: Part,
    slot: int,
    requests: int,
    problem: str,
) -> None:
    fields = {k: v for k, v in msgspec.structs.asdict(part).items() if k != "repository"}
    if not _set(connection, round_.crawl_id, part.repository, {"state": "done", **fields}):
        return
    counted = _count(connection, round_, part, requests, problem)
    if counted is None:
        return
    following = _next(connection, round_, slot)
    if following is not None:
        queue.put(connection, [following])
    elif counted.repositories_done >= counted.repositories:
        queue.put(connection, [_end_job(round_)])
    touch(connection, counted.registry_id)


def _count(connection: Connection, round_: Round, part: Part, requests: int, problem: str) -> Any:
    """Return how far the crawl is with one more repository; None where it is over.

    Its row is held until the commit: of two that end at once the second one is the last.
    """
    change = update(crawls).where(crawls.c.id == round_.crawl_id, RUNNING)
    change = change.values(
        repositories_done=crawls.c.repositories_done + 1,
        tags=crawls.c.tags + part.looked,
        requests=crawls.c.requests + requests,
        problem=case((crawls.c.problem == "", problem), else_=crawls.c.problem),
    )
    known = (crawls.c.registry_id, crawls.c.repositories_done, crawls.c.repositories)
    return connection.execute(change.returning(*known)).one_or_none()


async def forget(store: Store, crawl_id: int) -> None:
    """Forget a round that has ended, in short transactions."""
    while await paced(partial(store.write, _sweep, crawl_id)) == _SWEPT:
        pass
    await store.write(_forget, [crawl_id])


async def mend_rounds(store: Store, queue: Queue, fence: int) -> int:
    """Enqueue again what rounds without any job need to go on; return how many these were.

    Rounds of crawls that are over are forgotten. LeadershipLost where somebody else leads.
    """
    return await store.write(_mend, queue, fence)


def _mend(connection: Connection, queue: Queue, fence: int) -> int:
    check_leads(connection, fence)
    over = select(rounds.c.crawl_id).outerjoin(crawls, (crawls.c.id == rounds.c.crawl_id) & RUNNING)
    ended = connection.scalars(over.where(crawls.c.id.is_(None))).all()
    if ended:
        _forget(connection, ended)
    oldest = connection.scalar(_OLDEST)
    if oldest is not None:
        _sweep(connection, oldest)
    every = connection.execute(select(rounds).with_for_update(skip_locked=True)).all()
    # Read after the rounds are held: whoever goes on with one holds its crawl's row first.
    busy = set(connection.scalars(_BUSY).all())
    idle = [one for one in every if one.crawl_id not in busy]
    for one in idle:
        if not one.planned:
            queue.put(connection, [_job(BEGIN, one, 0)])
            continue
        lost = (parts.c.crawl_id == one.crawl_id) & (parts.c.state == "queued")
        connection.execute(update(parts).where(lost).values(state=literal_column("'waiting'")))
        _seed(connection, queue, one, range(one.slots))
    return len(idle)
