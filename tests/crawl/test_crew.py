"""Several processes of one crawl: the same is believed, no more is asked at once."""

import asyncio
import logging
import os
import pickle
import re
import shutil
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mfl_lint.config import Config, CrawlConfig, CredentialsConfig, RegistryConfig
from mfl_lint.core.errors import RateLimited, StoreError
from mfl_lint.core.observation import LookState
from mfl_lint.crawl import crew
from mfl_lint.crawl.crawler import Crawler
from mfl_lint.crawl.crew import Mate, MateGone, Spares, Started, processes_for
from mfl_lint.crawl.job import Progress, RepositoryResult
from mfl_lint.crawl.messages import Answer, Note, framed
from mfl_lint.registry.transport import Transport
from mfl_lint.store import dump, registries
from mfl_lint.store.engine import open_store
from tests import faults
from tests.crawl.test_kill import fill
from tests.fault_registry import FaultRegistry

ANONYMOUS = CredentialsConfig(anonymous=True)


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def fresh(empty_database: Path, tmp_path: Path) -> str:
    """Return the URL of an empty store."""
    return f"sqlite:///{shutil.copy(empty_database, tmp_path / 'crew.db')}"


@asynccontextmanager
async def crawling(
    host: str, url: str, processes: int, concurrency: int = 16
) -> AsyncIterator[Crawler]:
    registry = RegistryConfig(
        name="here", host=host, credentials=ANONYMOUS, concurrency=concurrency
    )
    config = Config(registries=(registry,), crawl=CrawlConfig(processes=processes))
    async with open_store(url) as store, Transport(config.http) as transport:
        await registries.sync_registries(store, config.registries, now())
        yield Crawler(store, transport, config, now, url=url)


async def crawled(host: str, url: str, processes: int, concurrency: int = 16) -> Progress:
    async with crawling(host, url, processes, concurrency) as crawler:
        progress = await crawler.crawl("here")
    assert progress is not None
    return progress


async def dumped(url: str) -> dict[str, object]:
    async with open_store(url) as store:
        return await dump.canonical_dump(store)


def processes_below(parent: int) -> list[int]:
    """Return the numbers of the mates that a process has started."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                command = (entry / "cmdline").read_bytes().decode()
            except OSError:
                continue
            if int(fields[1]) == parent and crew.MATE in command and fields[0] != "Z":
                found.append(int(entry.name))
    return found


@pytest.mark.parametrize(
    ("settings", "wanted", "repositories", "expected"),
    [
        ({"host": "localhost:5000"}, 2, 2, 2),
        ({"host": "localhost:5000"}, 2, 1, 1),
        ({"host": "localhost:5000"}, 1, 10_000, 1),
        ({"host": "localhost:5000"}, 0, 31, 1),
        ({"host": "localhost:5000", "concurrency": 3}, 4, 10_000, 1),
        ({"host": "localhost:5000", "concurrency": 6}, 8, 10_000, 3),
        ({"host": "localhost:5000", "rate": 100.0}, 4, 10_000, 1),
        ({"host": "registry.example.com"}, 4, 10_000, 1),
        ({"host": "registry.example.com", "own": True}, 4, 10_000, 4),
        ({"host": "docker.io", "own": True}, 4, 10_000, 1),
    ],
)
def test_only_quick_and_large_registries_are_crawled_by_several_processes(
    settings: dict[str, object], wanted: int, repositories: int, expected: int
) -> None:
    registry = RegistryConfig(name="here", **settings)  # type: ignore[arg-type]
    assert expected == processes_for(registry, wanted, repositories)


async def test_two_processes_believe_what_one_believes(
    fresh: str, empty_database: Path, tmp_path: Path
) -> None:
    alone = f"sqlite:///{shutil.copy(empty_database, tmp_path / 'alone.db')}"
    async with FaultRegistry() as registry:
        fill(registry, 12)
        one = await crawled(registry.host, alone, 1)
        asked = len(registry.requests)
        registry.requests.clear()
        two = await crawled(registry.host, fresh, 2)
    assert await dumped(alone) == await dumped(fresh)
    told = [(p.repositories_done, p.tags, p.opened, p.resolved, p.problem) for p in (one, two)]
    assert told[0] == told[1]
    # All are counted, and of each process the ping by https, which is not spoken here.
    assert (asked + 1, len(registry.requests) + 2) == (one.requests, two.requests)


async def test_both_processes_took_part_and_together_asked_no_more_at_once(fresh: str) -> None:
    release = asyncio.Event()
    async with FaultRegistry() as registry:
        fill(registry, 12)
        stuck = registry.fault(("HEAD", r"/manifests/"), faults.held(release))
        async with crawling(registry.host, fresh, 2, concurrency=4) as crawler:
            crawl = asyncio.ensure_future(crawler.crawl("here"))
            while stuck.met < 4:
                await registry.arrived(len(registry.requests) + 1)
            assert 1 == len(processes_below(os.getpid()))
            release.set()
            progress = await crawl
        assert progress is not None
        assert "" == progress.problem
        assert 4 == registry.peak
        assert [] == processes_below(os.getpid())


@pytest.mark.ordeal
async def test_two_registries_on_one_host_never_wait_for_each_others_slots(
    fresh: str,
) -> None:
    async with FaultRegistry() as registry:
        fill(registry, 12)
        few, many = (
            RegistryConfig(
                name=name, host=registry.host, credentials=ANONYMOUS, concurrency=concurrency
            )
            for name, concurrency in (("few", 4), ("many", 32))
        )
        config = Config(registries=(few, many), crawl=CrawlConfig(processes=2))
        async with open_store(fresh) as store, Transport(config.http) as transport:
            await registries.sync_registries(store, config.registries, now())
            crawler = Crawler(store, transport, config, now, url=fresh)
            async with asyncio.timeout(60):
                # The host is held to what it was first asked under, whoever comes later.
                first = await crawler.crawl("few")
                both = await asyncio.gather(crawler.crawl("few"), crawler.crawl("many"))
    problems = [progress.problem for progress in (first, *both) if progress is not None]
    assert ["", "", ""] == problems
    assert registry.peak <= 4


async def test_what_a_killed_mate_left_behind_is_taken_over(
    fresh: str, empty_database: Path, tmp_path: Path
) -> None:
    alone = f"sqlite:///{shutil.copy(empty_database, tmp_path / 'alone.db')}"
    release = asyncio.Event()
    async with FaultRegistry() as registry:
        fill(registry, 12)
        await crawled(registry.host, alone, 1)
        stuck = registry.fault(("HEAD", r"/manifests/"), faults.held(release))
        async with crawling(registry.host, fresh, 2, concurrency=4) as crawler:
            crawl = asyncio.ensure_future(crawler.crawl("here"))
            while stuck.met < 4:
                await registry.arrived(len(registry.requests) + 1)
            (mate,) = processes_below(os.getpid())
            os.kill(mate, signal.SIGKILL)
            release.set()
            progress = await crawl
    assert progress is not None
    assert "" == progress.problem
    assert await dumped(alone) == await dumped(fresh)


async def test_a_crawl_that_is_broken_off_leaves_no_process_behind(fresh: str) -> None:
    release = asyncio.Event()
    async with FaultRegistry() as registry:
        fill(registry, 12)
        stuck = registry.fault(("HEAD", r"/manifests/"), faults.held(release))
        async with crawling(registry.host, fresh, 2) as crawler:
            crawl = asyncio.ensure_future(crawler.crawl("here"))
            while not stuck.met:
                await registry.arrived(len(registry.requests) + 1)
            crawl.cancel()
            with pytest.raises(asyncio.CancelledError):
                await crawl
        assert [] == processes_below(os.getpid())
        release.set()


async def test_spares_that_nobody_takes_end() -> None:
    registry = RegistryConfig(name="here", host="localhost:5000")
    spares = Spares()
    await spares.prepare(Config(registries=(registry,), crawl=CrawlConfig(processes=3)))
    assert 2 == len(processes_below(os.getpid()))
    await spares.close()
    assert [] == processes_below(os.getpid())


async def scripted(script: str) -> Started:
    """Return a process in a mate's place that does what the script says."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdin=PIPE, stdout=PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    return Started(process, process.stdin, process.stdout)


def saying(*messages: object) -> str:
    """Return a script that says the messages after it was told something."""
    said = b"".join(framed(message) for message in messages)
    return f"import sys, os; sys.stdin.buffer.read(1); os.write(1, {said!r}); sys.stdin.read()"


async def test_an_error_of_a_mate_is_raised_where_its_work_was_waited_for() -> None:
    error = StoreError("the database is gone")
    mate = Mate(await scripted(saying(Answer("app", error=error))), lambda answer: None)
    with pytest.raises(StoreError, match=re.escape(str(error))):
        await mate.crawl("app")
    await mate.dismiss()


async def test_what_a_mate_logs_is_logged_here(caplog: pytest.LogCaptureFixture) -> None:
    note = Note("mfl_lint.lint", logging.ERROR, "rule MFL101 crashed", "Traceback: a\nKeyError: 1")
    done = Answer("app", RepositoryResult("app", LookState.VERIFIED))
    mate = Mate(await scripted(saying(note, done)), lambda answer: None)
    assert done.result == await mate.crawl("app")
    await mate.dismiss()
    assert [("mfl_lint.lint", logging.ERROR, "rule MFL101 crashed")] == caplog.record_tuples
    assert "KeyError: 1" in caplog.text


async def test_a_mate_that_ends_answers_nobody() -> None:
    mate = Mate(await scripted("import sys; sys.stdin.buffer.read(1)"), lambda answer: None)
    with pytest.raises(MateGone):
        await mate.crawl("app")
    with pytest.raises(MateGone):
        await mate.crawl("other")
    await mate.dismiss()


def test_errors_come_through_the_pipe_whole() -> None:
    error = pickle.loads(pickle.dumps(RateLimited("asked to wait", 30.0)))
    assert ("asked to wait", 30.0) == (str(error), error.retry_after_s)
