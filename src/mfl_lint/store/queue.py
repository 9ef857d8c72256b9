"""Enqueues jobs in the store's own transactions: what is to be done commits with why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec
from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError

from mfl_lint.store.addresses import parse_address
from mfl_lint.store.engine import Store
from mfl_lint.store.hosts import note_slot
from mfl_lint.store.leading import check_leads
from mfl_lint.store.postgresql import connecting, keeping
from mfl_lint.store.pulse import Pulse
from mfl_lint.store.queue_tables import JOBS, QUEUE_SCHEMA
from mfl_lint.store.statements import chunks, one_row, run

if TYPE_CHECKING:
    from procrastinate import App

QUEUE_NAME: Final = "crawl"
BEGIN: Final = "begin"
CRAWL: Final = "crawl"
END: Final = "end"
LOOK: Final = "look"
HOLDER: Final = "job/{}/{}"
# How long a worker waits for a connection: longer than a busy database takes. What it is at when
# it is told to end while the database is away takes that long, each part of it.
_CONNECTION_S: Final = 5.0
# Held under the name of a job that is at it no more: its worker was killed.
_DEAD: Final = f"""
    EXISTS (
        SELECT 1 FROM {JOBS} AS job
        WHERE job.id = CASE WHEN holder ~ '^job/[0-9]{{1,18}}/[0-9]+$'
            THEN split_part(holder, '/', 2)::bigint END
        AND (job.status <> 'doing' OR job.attempts::text <> split_part(holder, '/', 3))
    )
"""  # noqa: S608  # no value in it
_FREE: Final = (
    f"UPDATE leases SET expires_at = 0 WHERE expires_at > 0 AND {_DEAD}",  # noqa: S608
    f"UPDATE look_requests SET taken_at = 0 WHERE state = 'taken' AND {_DEAD}",  # noqa: S608
)
_HERE: Final = (
    (
        " AND repository_id = (SELECT repositories.id FROM repositories"
        " JOIN registries ON registries.id = registry_id"
        " WHERE registries.name = :registry AND repositories.name = :repository)"
    ),
    " AND registry = :registry AND repository = :repository",
)
_FREE_ALL: Final = tuple(text(one) for one in _FREE)
_FREE_HERE: Final = tuple(text(one + here) for one, here in zip(_FREE, _HERE, strict=True))
_OURS: Final = text(
    f"SELECT 1 FROM {JOBS} WHERE id = :id AND attempts = :attempts"  # noqa: S608
    " AND worker_id = :worker AND status = 'doing'"
)
_ONE_AT_A_TIME: Final = text(f"SELECT pg_advisory_xact_lock({0x6D666C73})")
_PUT_IF: Final = f"""
    INSERT INTO {JOBS} (queue_name, task_name, priority, lock, queueing_lock, args)
    SELECT '{QUEUE_NAME}', task, priority, lock, once, args FROM jsonb_to_recordset(:jobs)
    AS one(at int, task text, priority int, lock text, once text, args jsonb) %s ORDER BY at
    ON CONFLICT (queueing_lock) WHERE status = 'todo'
    DO UPDATE SET priority = excluded.priority
    WHERE procrastinate_jobs.priority < excluded.priority
"""  # noqa: S608  # no value in it
_PUT: Final = text(_PUT_IF % "").bindparams(bindparam("jobs", type_=JSONB))
# What waits already becomes more urgent all the same.
_HAS_ROOM: Final = f"""
    WHERE (SELECT count(*) FROM {JOBS} WHERE status = 'todo') + at < :most
    OR EXISTS (SELECT 1 FROM {JOBS} WHERE status = 'todo' AND queueing_lock = once)
"""  # noqa: S608  # no value in it
_PUT_FEW: Final = text(_PUT_IF % _HAS_ROOM).bindparams(bindparam("jobs", type_=JSONB))
_TWIN: Final = text(
    f"DELETE FROM {JOBS} WHERE status = 'todo' AND queueing_lock = :once RETURNING priority"  # noqa: S608
)
_PUT_BACK: Final = text("SELECT procrastinate_retry_job_v2(:id, now(), :priority, NULL, NULL)")
# How often it went wrong, and in which way: with the job, for whoever does it next.
_WRONG: Final = text(f"""
    UPDATE {JOBS} SET args = args || jsonb_build_object(
        CAST(:what AS text), COALESCE((args->>CAST(:what AS text))::int, 0) + 1
    ) WHERE id = :id
""")  # noqa: S608  # no value in it
_STALLED: Final = text(f"""
    SELECT job.id, job.queueing_lock, job.priority, job.lock FROM {JOBS} AS job
    LEFT JOIN {QUEUE_SCHEMA}.procrastinate_workers AS worker ON worker.id = job.worker_id
    WHERE job.status = 'doing' AND (
        worker.id IS NULL OR worker.last_heartbeat < now() - make_interval(secs => :seconds)
    ) ORDER BY job.queueing_lock COLLATE "C" NULLS FIRST, job.id FOR UPDATE OF job
""")  # noqa: S608  # no value in it
_ALIVE: Final = text(
    f"SELECT 1 FROM {QUEUE_SCHEMA}.procrastinate_workers"  # noqa: S608
    " WHERE last_heartbeat >= now() - make_interval(secs => :seconds) LIMIT 1"
)
_PATH: Final = text(
    "SELECT set_config('search_path', current_setting('search_path') || :schema, true)"
)


class JobSpec(msgspec.Struct, frozen=True):
    """A job: `task` with `args`. While one with a `lock` runs, no other with it does.

    Of those with one `once` a single one waits at a time, with the greatest `priority` of them.
    Greater `priority` goes first.
    """

    task: str
    args: Mapping[str, Any]
    lock: str | None = None
    once: str | None = None
    priority: int = 0


class Queue:
    """Puts jobs into the queue of the database that a transaction is of."""

    def put(self, connection: Connection, jobs: Iterable[JobSpec], most: int | None = None) -> None:
        """Enqueue jobs with the transaction; one that waits already, `once`, is left to that.

        It becomes as urgent as the new one. Rows are taken in the order of `once`, by everybody.
        No more than `most` wait then, whatever is left out.
        """
        every, waiting = list[JobSpec](), dict[str, JobSpec]()
        for job in jobs:
            if job.once is None:
                every.append(job)
            elif (other := waiting.get(job.once)) is None or other.priority < job.priority:
                waiting[job.once] = job
        every += [waiting[once] for once in sorted(waiting)]
        if not every:
            return
        connection.execute(_PATH, {"schema": f", {QUEUE_SCHEMA}"})
        for chunk in chunks(every):
            rows = [{"at": at, **msgspec.structs.asdict(job)} for at, job in enumerate(chunk)]
            if most is None:
                connection.execute(_PUT, {"jobs": rows})
            else:
                connection.execute(_PUT_FEW, {"jobs": rows, "most": most})


def worker_app(url: str, connections: int, pulse: Pulse) -> App:
    """Return the application of a worker: its connections see the queue's schema."""
    from procrastinate import App, PsycopgConnector

    from mfl_lint.store.queue_jobs import OwnJobs

    address = parse_address(url).set(drivername="postgresql")
    settings = {"search_path": QUEUE_SCHEMA, **keeping()}
    # What comes first gives way: what the address says of its own stays.
    own = address.query.get("options", "")
    options = " ".join([*(f"-c {name}={value}" for name, value in settings.items()), str(own)])
    connector = PsycopgConnector(
        conninfo=address.render_as_string(hide_password=False),
        kwargs={**connecting(address, "mfl-lint worker"), "options": options.strip()},
        min_size=1,
        max_size=connections,
        timeout=_CONNECTION_S,
    )
    app = App(connector=connector)
    app.job_manager = OwnJobs(connector, pulse)
    return app


async def live(app: App) -> None:
    """Give a worker's signs of life until this is cancelled, also while it ends."""
    from mfl_lint.store.queue_jobs import OwnJobs

    await cast("OwnJobs", app.job_manager).live()


async def put_led(store: Store, queue: Queue, fence: int, jobs: Sequence[JobSpec]) -> None:
    """Enqueue jobs as the leader; LeadershipLost where somebody else leads by now."""

    def put(connection: Connection) -> None:
        check_leads(connection, fence)
        queue.put(connection, jobs)

    await store.write(put)


async def free_dead(store: Store, place: tuple[str, str] | None = None) -> None:
    """Free what is held by jobs whose worker was killed: a repository's, or all."""
    await store.write(_free_dead, place)


def _free_dead(connection: Connection, place: tuple[str, str] | None = None) -> None:
    if place is None:
        for statement in _FREE_ALL:
            connection.execute(statement)
        return
    for statement in _FREE_HERE:
        connection.execute(statement, {"registry": place[0], "repository": place[1]})


async def save_stalled(store: Store, stalled_s: float) -> int:
    """Have done by others what workers were at that gave no sign of life for so long.

    Return how many jobs these were.
    """
    return await store.write(_save_stalled, stalled_s)


def _save_stalled(connection: Connection, stalled_s: float) -> int:
    connection.execute(_ONE_AT_A_TIME)
    connection.execute(_PATH, {"schema": f", {QUEUE_SCHEMA}"})
    stalled = connection.execute(_STALLED, {"seconds": stalled_s}).all()
    saved = sum(_put_back(connection, job) for job in stalled)
    # Whoever was killed may have asked something until now, and told nobody.
    for host, _, slot in sorted({job.lock.rpartition("/") for job in stalled if job.lock}):
        note_slot(connection, host, int(slot), "")
    if saved:
        _free_dead(connection)
    return saved


def _put_back(connection: Connection, job: Any) -> bool:
    """Have a killed job wait again, instead of the one that waits to do the same after it.

    False where one was enqueued at this very moment: there is a next time.
    """
    try:
        with connection.begin_nested():
            twins = connection.scalars(_TWIN, {"once": job.queueing_lock}).all()
            priority = max([job.priority, *twins])
            connection.execute(_PUT_BACK, {"id": job.id, "priority": priority})
            connection.execute(_WRONG, {"id": job.id, "what": "killed"})
    except IntegrityError:
        return False
    return True


async def note_failed(store: Store, job_id: int) -> None:
    """Note that a job failed by itself, and not because its worker or the database ended."""
    await store.write(run, _WRONG.bindparams(id=job_id, what="failed"))


async def is_any_alive(store: Store, within_s: float) -> bool:
    """Say whether a worker gave a sign of life within that time."""
    return await store.read(one_row, _ALIVE.bindparams(seconds=within_s)) is not None


async def is_ours(store: Store, job_id: int, attempts: int, worker_id: int | None) -> bool:
    """Say whether a job is still that worker's, and nobody took it for dead."""
    about = {"id": job_id, "attempts": attempts, "worker": worker_id}
    return await store.read(_is_ours, about)


def _is_ours(connection: Connection, about: Mapping[str, Any]) -> bool:
    return connection.execute(_OURS, about).first() is not None
