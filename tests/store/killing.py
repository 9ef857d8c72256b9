"""Kill processes that write: at each statement, before each commit, and at random moments.

`python -m tests.store.killing WHAT URL SEED TRIES` prints `{"tries", "killed", "whole"}`; WHAT is
upgrade or record, or one of them with `-each`: killed before every TRIES-th statement and commit.
It is a program of its own because each try forks it, which needs no imports again but a process
without threads. After each kill it looks whether all is there or nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import select
import signal
import sqlite3
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import Engine

from mfl_lint.store import dump, observations, views
from mfl_lint.store.addresses import parse_address
from mfl_lint.store.engine import open_store
from mfl_lint.store.migrate import check, revision, upgrade
from mfl_lint.store.tables import SCHEMA, metadata
from tests.store.batches import batch, content, finding, lease, write

DOCUMENTS = 20


def _kill_at(point: int) -> None:
    """Let this process die before its n-th statement or commit from now."""
    left = point

    def step(*_: object) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def connected(driver: Any, _: object) -> None:
        if isinstance(driver, sqlite3.Connection):
            driver.set_trace_callback(step)
        else:
            driver.cursor_factory = _stepping(driver.cursor_factory, step)

    event.listen(Engine, "connect", connected)
    event.listen(Engine, "commit", step)


def _stepping(cursor: Any, step: Callable[[], None]) -> Any:
    """Return the driver's kind of cursor, which takes a step before each statement."""

    class Stepping(cursor):  # type: ignore[misc]
        def execute(self, *given: Any, **options: Any) -> Any:
            step()
            return super().execute(*given, **options)

        def executemany(self, *given: Any, **options: Any) -> Any:
            step()
            return super().executemany(*given, **options)

    return Stepping


def _forked(work: Callable[[], None]) -> int:
    """Return the id of a process that does the work and nothing else."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work()
        code = 0
    except BaseException as error:
        print(repr(error), file=sys.stderr, flush=True)
    finally:
        os._exit(code)


def _end(child: int) -> int:
    """Wait for a process; return its exit code, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _done(work: Callable[[], None]) -> None:
    """Do the work in a process of its own; stop everything if it fails."""
    if _end(_forked(work)) != 0:
        sys.exit("what has to hold does not hold")


def _killed(work: Callable[[], None], dice: random.Random, steps: int, longest_s: float) -> bool:
    """Do the work in a process that is killed, at a statement or at a moment; say if it was."""
    if dice.random() < 0.5:
        point = dice.randrange(steps)

        def counted() -> None:
            _kill_at(point)
            work()

        code = _end(_forked(counted))
    else:
        child = _forked(work)
        select.select([], [], [], dice.uniform(0, longest_s))
        os.kill(child, signal.SIGKILL)
        code = _end(child)
    if code not in (0, -signal.SIGKILL):
        sys.exit("the work failed by itself")
    return code != 0


def _killed_at(work: Callable[[], None], point: int) -> bool:
    """Do the work in a process that dies at a point; say whether it had one."""

    def counted() -> None:
        _kill_at(point)
        work()

    code = _end(_forked(counted))
    if code not in (0, -signal.SIGKILL):
        sys.exit("the work failed by itself")
    return code != 0


def _emptied(url: str) -> None:
    """Take all tables away."""
    if url.startswith("sqlite:///"):
        for left in Path(url.removeprefix("sqlite:///")).parent.glob("*.db*"):
            left.unlink()
        return
    engine = create_engine(parse_address(url))
    with engine.begin() as connection:
        names = ", ".join([*metadata.tables, "alembic_version"])
        connection.execute(text(f"DROP TABLE IF EXISTS {names} CASCADE"))
    engine.dispose()


def _upgrade(url: str) -> None:
    upgrade(url)


def _run(act: Callable[[str, int], Coroutine[None, None, None]], url: str, number: int) -> None:
    asyncio.run(act(url, number))


def _upgraded(url: str) -> None:
    """Look that an upgrade can go on from where another one died."""
    assert revision(url) in (None, SCHEMA)
    assert upgrade(url) == SCHEMA
    assert check(url) == []


def _upgrades(url: str, dice: random.Random, tries: int) -> dict[str, int]:
    killed = 0
    for _ in range(tries):
        _done(partial(_emptied, url))
        killed += _killed(partial(_upgrade, url), dice, 70, 0.3)
        _done(partial(_upgraded, url))
    return {"tries": tries, "killed": killed, "whole": tries}


def _upgrades_each(url: str, dice: random.Random, stride: int) -> dict[str, int]:
    """Kill an upgrade before each statement and commit that it has, from the first release on."""
    killed = 0
    while True:
        _done(partial(_emptied, url))
        died = _killed_at(partial(_upgrade, url), killed * stride)
        _done(partial(_upgraded, url))
        if not died:
            return {"tries": killed + 1, "killed": killed, "whole": killed + 1}
        killed += 1


async def _record(url: str, number: int) -> None:
    name = f"v{number}"
    documents = tuple(content(f"{number}/{part}") for part in range(DOCUMENTS))
    async with open_store(url) as store:
        held = await lease(store)
        told = batch(write(name, finding(name)), contents=documents)
        await observations.record(store, held, told)


async def _recorded(url: str, known: int) -> None:
    """Look that each batch is there whole or not at all, and those that ended are there."""
    async with open_store(url) as store:
        rows = (await dump.figures(store)).rows
        tags = rows["tags"]
        assert tags >= known, f"{known} batches were recorded, {tags} are there"
        shares = {"findings": 1, "transitions": 1, "outbox": 1, "tag_history": 1}
        shares["documents"] = DOCUMENTS
        found = {name: rows[name] for name in shares}
        assert found == {name: tags * share for name, share in shares.items()}
        registry = await views.registry(store, "one")
        counted = (registry.tags, registry.counts.error) if registry else (0, 0)
        assert counted == (tags, tags)


def _records(url: str, dice: random.Random, tries: int) -> dict[str, int]:
    upgrade(url)
    killed = whole = 0
    # So many statements and commits, with those of a connection's beginning.
    steps = 50 if url.startswith("sqlite") else 40
    for number in range(tries):
        died = _killed(partial(_run, _record, url, number), dice, steps, 0.25)
        killed += died
        whole += not died
        _done(partial(_run, _recorded, url, whole))
    return {"tries": tries, "killed": killed, "whole": whole}


def _records_each(url: str, dice: random.Random, stride: int) -> dict[str, int]:
    """Kill a recording before each statement and commit that it has."""
    upgrade(url)
    killed = 0
    while _killed_at(partial(_run, _record, url, killed), killed * stride):
        _done(partial(_run, _recorded, url, 0))
        killed += 1
    _done(partial(_run, _recorded, url, 1))
    return {"tries": killed + 1, "killed": killed, "whole": 1}


if __name__ == "__main__":
    what, address, seed, number = sys.argv[1:]
    acts = {
        "upgrade": _upgrades,
        "record": _records,
        "upgrade-each": _upgrades_each,
        "record-each": _records_each,
    }
    print(json.dumps(acts[what](address, random.Random(int(seed)), int(number))))
