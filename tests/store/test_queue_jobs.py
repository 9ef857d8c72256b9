"""A worker ends and puts back the jobs only that are its own at that very moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from procrastinate import App
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status
from sqlalchemy import Connection, TextClause, text

from mfl_lint.config import RegistryConfig
from mfl_lint.store import hosts, leases, registries
from mfl_lint.store.engine import Store
from mfl_lint.store.pulse import Pulse
from mfl_lint.store.queue import (
    HOLDER,
    QUEUE_NAME,
    JobSpec,
    Queue,
    free_dead,
    save_stalled,
    worker_app,
)
from mfl_lint.store.queue_tables import QUEUE_SCHEMA
from mfl_lint.store.statements import all_rows, run
from tests.store.batches import NOW

_JOBS = text(f"SELECT status::text, attempts, worker_id FROM {QUEUE_SCHEMA}.procrastinate_jobs")
_LOOKS = text(
    f"SELECT status::text, attempts, priority FROM {QUEUE_SCHEMA}.procrastinate_jobs"
    " WHERE queueing_lock = 'look/a'"
)
_OTHERS_LOCK = text(
    f"UPDATE {QUEUE_SCHEMA}.procrastinate_jobs SET lock = 'host/1' WHERE status = 'doing'"
)
_TAKE_OVER = text(
    f"UPDATE {QUEUE_SCHEMA}.procrastinate_jobs SET attempts = attempts + 1, worker_id = :other"
)
_WAITS = text("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
_LATE = text(
    f"UPDATE {QUEUE_SCHEMA}.procrastinate_workers SET last_heartbeat = now() - interval '1 hour'"
)


_SET_PATH = text(f"SET LOCAL search_path TO {QUEUE_SCHEMA}")
_CALM = text(
    "UPDATE procrastinate_jobs SET status = 'doing', worker_id = :worker WHERE priority = 0"
)
_CANNOT_END = text("""
    CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END; $$;
    CREATE TRIGGER no BEFORE DELETE ON procrastinate_jobs FOR EACH ROW EXECUTE FUNCTION no();
""")


def in_queue(connection: Connection, /, statement: TextClause, **values: object) -> None:
    """Run a statement as the queue's own are run."""
    connection.execute(_SET_PATH)
    connection.execute(statement, values)


@pytest.fixture
def store(queued_store: Store) -> Store:
    return queued_store


@pytest.fixture
def pulse() -> Pulse:
    return Pulse(60.0)


@pytest.fixture
async def app(store: Store, fresh_postgresql: str, pulse: Pulse) -> AsyncIterator[App]:
    """Return a worker's application; one job waits."""

    def put(connection: Connection) -> None:
        Queue().put(connection, [JobSpec("look", {"registry": "here"}, "host/0")])

    await store.write(put)
    async with worker_app(fresh_postgresql, 3, pulse).open_async() as opened:
        yield opened


async def taken(app: App) -> Job:
    """Return the job, which a new worker does."""
    worker = await app.job_manager.register_worker()
    job = await app.job_manager.fetch_job([QUEUE_NAME], worker)
    assert job is not None
    return job


async def jobs(store: Store) -> list[tuple[str, int, int | None]]:
    return [tuple(row) for row in await store.read(all_rows, _JOBS)]


async def test_a_job_of_ones_own_is_ended_or_put_back(app: App, store: Store) -> None:
    job = await taken(app)
    await app.job_manager.retry_job(job)
    assert [("todo", 1)] == [row[:2] for row in await jobs(store)]
    again = await taken(app)
    await app.job_manager.finish_job(job, Status.SUCCEEDED, delete_job=True)
    assert [("doing", 1, again.worker_id)] == await jobs(store)
    await app.job_manager.finish_job(again, Status.SUCCEEDED, delete_job=True)
    assert [] == await jobs(store)


@pytest.mark.parametrize("ends", [True, False])
async def test_a_job_that_another_one_takes_over_in_that_moment_is_left_to_it(
    app: App, store: Store, *, ends: bool
) -> None:
    job = await taken(app)
    other = await app.job_manager.register_worker()
    asked, may_end = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def take_over(connection: Connection) -> None:
        connection.execute(_TAKE_OVER, {"other": other})
        loop.call_soon_threadsafe(asked.set)
        asyncio.run_coroutine_threadsafe(may_end.wait(), loop).result(60)

    taking = asyncio.create_task(store.write(take_over))
    await asked.wait()
    ending = asyncio.create_task(
        app.job_manager.finish_job(job, Status.SUCCEEDED, delete_job=True)
        if ends
        else app.job_manager.retry_job(job)
    )
    async with asyncio.timeout(60.0):
        while not await store.read(all_rows, _WAITS):  # noqa: ASYNC110  # the database knows
            await asyncio.sleep(0.01)
    may_end.set()
    await asyncio.gather(taking, ending)
    assert [("doing", 1, other)] == await jobs(store)


async def test_a_sign_of_life_that_comes_late_drops_what_others_may_do_by_now(
    app: App, store: Store, pulse: Pulse
) -> None:
    job = await taken(app)
    assert job.worker_id is not None
    doing = asyncio.create_task(pulse.during(asyncio.sleep(3600)))
    await app.job_manager.update_heartbeat(job.worker_id)
    assert not doing.done()
    await store.write(run, _LATE)
    assert 1 == await save_stalled(store, 60.0)
    await app.job_manager.update_heartbeat(job.worker_id)
    assert "this worker gave no sign of life: others do its jobs" == str(
        (await asyncio.gather(doing, return_exceptions=True))[0]
    )
    await app.job_manager.finish_job(job, Status.SUCCEEDED, delete_job=True)
    assert [("todo", 1)] == [row[:2] for row in await jobs(store)]


async def test_what_the_dead_held_of_a_repository_is_freed_and_of_others_once_that_is_asked_for(
    app: App, store: Store
) -> None:
    await registries.sync_registries(store, [RegistryConfig("here", "localhost:5000")], NOW)
    job = await taken(app)
    holder = HOLDER.format(job.id, job.attempts)
    for name in "ab":
        assert await leases.acquire(store, "here", name, holder, 3600.0, NOW) is not None
    assert await leases.acquire(store, "here", "c", "job/x/y", 3600.0, NOW) is not None

    async def held() -> str:
        names = [name for name in "abc" if await leases.is_held(store, "here", name, NOW)]
        return "".join(names)

    await free_dead(store)
    assert "abc" == await held()
    await app.job_manager.retry_job(job)
    await free_dead(store, ("here", "a"))
    assert "bc" == await held()
    await free_dead(store)
    assert "c" == await held()


async def test_whoever_has_the_slot_of_a_dead_worker_next_keeps_the_distance(
    app: App, store: Store
) -> None:
    await taken(app)
    assert None is await hosts.since_used(store, "host", 0, "next")
    await store.write(run, _LATE)
    assert 1 == await save_stalled(store, 60.0)
    since = await hosts.since_used(store, "host", 0, "next")
    assert since is not None
    assert 0 <= since < 30


async def put_look(store: Store, priority: int) -> None:
    """Ask for a look at the same as others do."""
    await store.write(Queue().put, [JobSpec("look", {}, "host/0", "look/a", priority)])


async def test_a_job_is_put_back_though_the_same_was_asked_for_meanwhile(
    app: App, store: Store
) -> None:
    await taken(app)
    await put_look(store, 10)
    await store.write(run, _OTHERS_LOCK)
    job = await taken(app)
    assert "look/a" == job.queueing_lock
    await put_look(store, 100)
    await app.job_manager.retry_job(job)
    assert [("todo", 1, 100)] == await looks_there(store)


async def test_jobs_of_the_dead_are_saved_though_one_was_asked_for_again_meanwhile(
    app: App, store: Store
) -> None:
    await taken(app)
    await put_look(store, 10)
    await store.write(run, _OTHERS_LOCK)
    await taken(app)
    await put_look(store, 100)
    await store.write(run, _LATE)
    assert 2 == await save_stalled(store, 60.0)
    assert [("todo", 1, 100)] == await looks_there(store)
    assert {"todo"} == {row[0] for row in await jobs(store)}


async def looks_there(store: Store) -> list[tuple[str, int, int]]:
    """Return the looks that were asked for: state, attempts, priority."""
    return [tuple(row) for row in await store.read(all_rows, _LOOKS)]


async def back(app: App, store: Store) -> None:
    """Wait, with signs of life, until the job waits again."""
    async with asyncio.timeout(20.0):
        while [("todo", 1)] != [row[:2] for row in await jobs(store)]:
            await app.job_manager.beat()  # type: ignore[attr-defined]  # `OwnJobs` has it


async def test_a_job_that_was_fetched_and_never_arrived_is_done_again(
    app: App, store: Store, pulse: Pulse
) -> None:
    pulse.stalled_s = 1.0
    worker = await app.job_manager.register_worker()
    await store.write(in_queue, _CALM, worker=worker)
    await app.job_manager.beat()  # type: ignore[attr-defined]  # `OwnJobs` has it
    assert [("doing", 0)] == [row[:2] for row in await jobs(store)]
    await back(app, store)


async def test_a_job_that_could_not_be_ended_is_done_again_and_one_that_is_done_stays(
    app: App, store: Store, pulse: Pulse
) -> None:
    pulse.stalled_s = 1.0
    job = await taken(app)
    await store.write(in_queue, _CANNOT_END)
    await app.job_manager.beat()  # type: ignore[attr-defined]  # `OwnJobs` has it
    with pytest.raises(ConnectorException):
        await app.job_manager.finish_job(job, Status.SUCCEEDED, delete_job=True)
    await back(app, store)


async def test_rounds_have_their_share_of_what_is_asked_for_without_end(
    app: App, store: Store
) -> None:
    worker = await app.job_manager.register_worker()
    rounds = [JobSpec("crawl", {"number": number}, "host/0") for number in range(3)]
    await store.write(Queue().put, rounds)
    done = []
    for number in range(14):
        asked = [JobSpec("look", {}, "host/0", f"look/{number}/{at}", 100) for at in range(2)]
        await store.write(Queue().put, asked)
        job = await app.job_manager.fetch_job([QUEUE_NAME], worker)
        assert job is not None
        done.append("asked" if job.priority else "round")
        await app.job_manager.finish_job(job, Status.SUCCEEDED, delete_job=True)
    assert [*["asked"] * 3, "round", *["asked"] * 2, "round"] * 2 == done


async def test_of_two_hosts_that_are_asked_in_turn_both_have_a_share_for_their_rounds(
    app: App, store: Store
) -> None:
    worker = await app.job_manager.register_worker()
    places = ("host/0", "other/0")
    rounds = [JobSpec("crawl", {}, place) for place in places for _ in range(9)]
    await store.write(Queue().put, rounds)
    under_way: list[Job] = []
    had = dict.fromkeys(places, 0)
    for number in range(16):
        asked = [JobSpec("look", {}, place, f"look/{number}/{place}", 100) for place in places]
        await store.write(Queue().put, asked)
        if len(under_way) == len(places):
            oldest = under_way.pop(0)
            await app.job_manager.finish_job(oldest, Status.SUCCEEDED, delete_job=True)
        job = await app.job_manager.fetch_job([QUEUE_NAME], worker)
        assert job is not None
        under_way.append(job)
        if not job.priority:
            had[job.lock or ""] += 1
    assert {"host/0": 2, "other/0": 2} == had


async def test_who_takes_a_lock_at_the_moment_in_which_another_one_does_is_told_of_no_job(
    app: App, store: Store
) -> None:
    await store.write(Queue().put, [JobSpec("look", {}, "host/0", "look/a", 100)])
    worker, loop = await app.job_manager.register_worker(), asyncio.get_running_loop()
    has_taken, may_end = asyncio.Event(), asyncio.Event()

    def take_calm(connection: Connection) -> None:
        in_queue(connection, _CALM, worker=worker)
        loop.call_soon_threadsafe(has_taken.set)
        asyncio.run_coroutine_threadsafe(may_end.wait(), loop).result(60)

    taking = asyncio.create_task(store.write(take_calm))
    await has_taken.wait()
    fetching = asyncio.create_task(app.job_manager.fetch_job([QUEUE_NAME], worker))
    async with asyncio.timeout(60.0):
        while not await store.read(all_rows, _WAITS):  # noqa: ASYNC110  # the database knows
            await asyncio.sleep(0.01)
    may_end.set()
    await taking
    assert None is await fetching


async def test_what_waits_in_a_circle_is_done_again(app: App, store: Store) -> None:
    """Two looks are asked for in one order while jobs of the dead are put back in another."""
    names = [f"look/{at}" for at in range(6)]

    async def asks() -> None:
        for priority in range(1, 60):
            specs = [JobSpec("look", {}, once=name, priority=priority) for name in names]
            await store.write(Queue().put, specs)

    async def puts_back() -> None:
        for _ in range(60):
            worker = await app.job_manager.register_worker()
            fetched = [await app.job_manager.fetch_job([QUEUE_NAME], worker) for _ in names]
            await asyncio.gather(*(app.job_manager.retry_job(job) for job in fetched if job))

    async def saves() -> None:
        for _ in range(60):
            worker = await app.job_manager.register_worker()
            for _ in names:
                await app.job_manager.fetch_job([QUEUE_NAME], worker)
            await store.write(run, _LATE)
            await save_stalled(store, 60.0)

    await asyncio.gather(asks(), puts_back(), saves(), asks())
    assert {"todo"} == {row[0] for row in await jobs(store)}
