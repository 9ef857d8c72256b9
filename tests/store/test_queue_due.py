"""Of looks that were asked for those get a job that have none, the most urgent first."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import Connection, event

from mfl_lint.store import looks
from mfl_lint.store.engine import Store
from mfl_lint.store.queue import LOOK, JobSpec, Queue
from mfl_lint.store.queue_due import LOOK_ONCE, due_places
from tests.store.batches import NOW, later

PATIENCE_S = 60.0


@pytest.fixture
def store(queued_store: Store) -> Store:
    return queued_store


async def ask(store: Store, names: str, reason: str, registry: str = "one") -> None:
    for name in names:
        await looks.request_look(store, registry, name, "", NOW, reason)


async def due(store: Store, *, seconds: int = 0, most: int = 10) -> list[tuple[str, list[str]]]:
    places = await due_places(
        store, later(seconds=seconds), patience_s=PATIENCE_S, registries=["one"], most=most
    )
    return [(one.repository, sorted(one.reasons)) for one in places]


async def put(store: Store, names: str) -> None:
    jobs = [JobSpec(LOOK, {}, once=LOOK_ONCE.format("one", name)) for name in names]
    await store.write(Queue().put, jobs)


async def test_what_is_urgent_comes_first_and_what_is_looked_at_again_later(store: Store) -> None:
    await ask(store, "a", "throttled")
    await ask(store, "b", "hot")
    await ask(store, "c", "webhook")
    await looks.request_look(store, "one", "b", "v1", NOW, "again")
    assert [("c", ["webhook"]), ("b", ["hot"])] == await due(store)
    assert [("c", ["webhook"]), ("b", ["again", "hot"]), ("a", ["throttled"])] == await due(
        store, seconds=60
    )


async def test_what_a_job_waits_for_and_what_left_the_settings_keeps_no_place(store: Store) -> None:
    await ask(store, "xyz", "webhook", registry="gone")
    await ask(store, "abc", "webhook")
    await put(store, "a")
    assert ["b", "c"] == [name for name, _ in await due(store, most=3)]
    assert ["b"] == [name for name, _ in await due(store, most=2)]
    assert [] == await due(store, most=1)
    await put(store, "bc")
    assert [] == await due(store, most=1)


async def test_many_jobs_are_enqueued_in_few_statements(store: Store) -> None:
    def write(connection: Connection) -> list[str]:
        said = list[str]()

        def note(_c: object, _k: object, statement: str, *_: object) -> None:
            said.append(statement)

        event.listen(connection, "before_cursor_execute", note)
        jobs = [JobSpec(LOOK, {}, once=f"look/{number}") for number in range(2000)]
        Queue().put(connection, jobs)
        event.remove(connection, "before_cursor_execute", note)
        return said

    said: Sequence[str] = await store.write(write)
    assert len(said) < 50
