"""Other processes of this machine that help with one crawl: each takes whole repositories.

A process has one interpreter, and that is what a crawl of a quick registry waits for. Politeness
is kept: what a mate may ask at once is lent by this process's own slots. A mate that dies leaves
repositories behind, as any killed crawl does: this process takes them over.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Final, NamedTuple

from mfl_lint.config import Config, RegistryConfig
from mfl_lint.crawl.job import Job, RepositoryResult
from mfl_lint.crawl.messages import Answer, Note, Order, Start, framed, next_message
from mfl_lint.registry.client import RegistryClient
from mfl_lint.registry.origin import is_docker_hub
from mfl_lint.registry.politeness import limits_of
from mfl_lint.registry.traffic import Stats

_LOG: Final = logging.getLogger(__name__)
MATE: Final = "mfl_lint.service.mate"
# To start one costs as much as some thirty repositories do.
_WORTH_ONE: Final = 32
_MOST: Final = 4
_MANY: Final = 1_000_000
_LEAST_SLOTS: Final = 2
_PATIENCE_S: Final = 10.0


class MateGone(Exception):
    """The process ended before it answered."""


class Started(NamedTuple):
    """A process that waits for the crawl it is to help with, and the pipes to and from it."""

    process: Process
    orders: asyncio.StreamWriter
    answers: asyncio.StreamReader

    async def end(self) -> None:
        """Let it end, by itself if it can."""
        self.orders.close()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self.process.wait()
        except TimeoutError:
            self.kill()
            await self.process.wait()

    def kill(self) -> None:
        """End it at once."""
        with suppress(ProcessLookupError):
            self.process.kill()


async def _start() -> Started:
    command = (sys.executable, "-P", "-m", MATE)
    # Ctrl-C is for this process; the other one's end is that of its input.
    process = await asyncio.create_subprocess_exec(
        *command, stdin=PIPE, stdout=PIPE, process_group=0
    )
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("a process without pipes")
    return Started(process, process.stdin, process.stdout)


class Spares:
    """Processes that were started before they are needed, because a start takes its time."""

    def __init__(self) -> None:
        self._started: list[Started] = []

    async def prepare(self, config: Config) -> None:
        """Start as many as a large crawl of the configuration's registries would have help."""
        needed = (processes_for(one, config.crawl.processes) - 1 for one in config.registries)
        with suppress(OSError):  # no more processes: a crew only makes it quicker
            for _ in range(max(needed, default=0)):
                self._started.append(await _start())

    async def take(self) -> Started:
        """Return one that is ready, or starts now."""
        return self._started.pop() if self._started else await _start()

    async def close(self) -> None:
        """Let those end that nobody took."""
        await asyncio.gather(*(spare.end() for spare in self._started))
        self._started.clear()


class Mate:
    """One process that crawls repositories when it is told to. `hear` is told each answer."""

    def __init__(self, started: Started, hear: Callable[[Answer], None]) -> None:
        self._started = started
        self._hear = hear
        self._waiting: dict[str, asyncio.Future[Answer]] = {}
        self._gone = False
        self._listening = asyncio.ensure_future(self._listen())

    def send(self, message: Start | Order) -> None:
        """Tell it something; what does not arrive is noticed by who waits for the answer."""
        with suppress(OSError):
            self._started.orders.write(framed(message))

    async def crawl(self, repository: str) -> RepositoryResult | None:
        """Return how the crawl of a repository ended, as `crawl_repository` does; MateGone."""
        if self._gone:
            raise MateGone
        self._waiting[repository] = asyncio.get_running_loop().create_future()
        self.send(Order(repository))
        try:
            answer = await self._waiting[repository]
        finally:
            del self._waiting[repository]
        if answer.error is not None:
            raise answer.error
        return answer.result

    async def _listen(self) -> None:
        try:
            while (message := await next_message(self._started.answers)) is not None:
                self._take(message)
        except Exception:
            _LOG.exception("a helping process cannot be understood")
            self._started.kill()
        finally:
            self._gone = True
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(MateGone())

    def _take(self, message: Note | Answer) -> None:
        if isinstance(message, Note):
            _log(message)
            return
        self._hear(message)
        waiting = self._waiting.get(message.repository)
        if waiting is not None and not waiting.done():
            waiting.set_result(message)

    async def dismiss(self) -> None:
        """Let it end; what it was at is broken off."""
        await self._started.end()
        await self._listening


class Crew:
    """Whoever helps this process with crawls of one registry over one database."""

    def __init__(
        self, config: Config, url: str, client: RegistryClient, stats: Stats, spares: Spares
    ) -> None:
        self._spares = spares
        self._config = config
        self._url = url
        self._client = client
        self._stats = stats
        self.layers = 0

    @asynccontextmanager
    async def mates(self, job: Job, crawl_id: int, repositories: int) -> AsyncIterator[list[Mate]]:
        """Yield those who help with a crawl of so many repositories: often nobody."""
        processes = processes_for(job.registry, job.settings.processes, repositories)
        if processes < 2:
            yield []
            return
        share = limits_of(job.registry).concurrency // processes
        wanted = share * (processes - 1)
        async with self._client.lent(wanted, _LEAST_SLOTS) as lent, AsyncExitStack() as dismissals:
            helping = min(processes - 1, lent // _LEAST_SLOTS)
            mates: list[Mate] = []
            for _ in range(helping):
                try:
                    started = await self._spares.take()
                except OSError as error:  # no more processes: a crew only makes it quicker
                    _LOG.info("nobody helps: %s", error)
                    break
                mate = Mate(started, self._add)
                dismissals.push_async_callback(mate.dismiss)
                mate.send(self._start(job, crawl_id, lent // helping))
                mates.append(mate)
            yield mates

    def _start(self, job: Job, crawl_id: int, concurrency: int) -> Start:
        return Start(
            config=self._config,
            url=self._url,
            registry=job.registry.name,
            concurrency=concurrency,
            crawl_id=crawl_id,
            round_since=job.round_since,
            partial=job.partial,
        )

    def _add(self, answer: Answer) -> None:
        self.layers += answer.layers
        self._stats.add(answer.traffic)


def processes_for(registry: RegistryConfig, wanted: int, repositories: int = _MANY) -> int:
    """Return how many processes crawl so many repositories; `wanted` is 0 for "as many as pay".

    Always one where the registry is asked so many times a second, or counts pulls: what one
    process learns of that the others would not know.
    """
    limits = limits_of(registry)
    if limits.rate or is_docker_hub(registry.host) or sys.platform == "win32":
        return 1
    fitting = wanted or min(_cores(), _MOST, repositories // _WORTH_ONE)
    return max(1, min(fitting, repositories, limits.concurrency // _LEAST_SLOTS))


def _cores() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _log(note: Note) -> None:
    logger = logging.getLogger(note.logger)
    if logger.isEnabledFor(note.level):
        record = logger.makeRecord(note.logger, note.level, "", 0, note.text, (), None)
        record.exc_text = note.trace or None
        logger.handle(record)
