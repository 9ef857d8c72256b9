"""Has workers crawl: of all services over one database, the one that leads enqueues what is due."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from msgspec.structs import replace

from mfl_lint.config import Config
from mfl_lint.core.errors import LeadershipLost, StoreError
from mfl_lint.core.records import CrawlRecord
from mfl_lint.crawl.holder import new_holder
from mfl_lint.service.hot import hot_repositories, hot_tags
from mfl_lint.service.looker import PATIENCE_S
from mfl_lint.service.slots import MOST_WAITING, look_jobs, shares_of
from mfl_lint.store import looks, round_states, rounds
from mfl_lint.store.engine import Store, Transaction
from mfl_lint.store.leading import SILENCE_S, Candidate, check_leads
from mfl_lint.store.looks import HOT, PATIENT, Wanted
from mfl_lint.store.queue import Queue, is_any_alive, put_led, save_stalled
from mfl_lint.store.queue_due import DuePlace, due_places

_LOG: Final = logging.getLogger("mfl_lint")
_ASK_S: Final = 0.5
_MEND_S: Final = 2.0
# So long another service may know a registry that the settings at hand do not know yet.
_KNOWN_WITHIN: Final = timedelta(days=1)
_NOBODY: Final = "no worker gives a sign of life: start `mfl-lint worker`"


class Dispatch:
    """One service's part in it. `led` is called when this one begins to lead."""

    def __init__(
        self,
        store: Store,
        url: str,
        config: Callable[[], Config],
        now: Callable[[], datetime],
        led: Callable[[], Awaitable[None]],
    ) -> None:
        self.fence: int | None = None
        self._under_way: tuple[CrawlRecord, ...] = ()
        self._mended_at = 0.0
        self._store = store
        self._config = config
        self._now = now
        self._led = led
        self._queue = Queue()
        self._candidate = Candidate(url, new_holder())
        store.asked = self._asked

    def _asked(
        self, connection: Transaction, places: Sequence[tuple[str, str]], reason: str
    ) -> None:
        """Enqueue looks in the transaction that asks for them: any service does that."""
        if reason not in PATIENT:
            few = (DuePlace(*place, (reason,)) for place in places[:MOST_WAITING])
            # The leader enqueues what is left, once there is room.
            most = MOST_WAITING if reason == HOT else 2 * MOST_WAITING
            self._queue.put(connection, look_jobs(self._config(), few), most)

    async def run(self) -> None:
        """Lead whenever nobody else does, until this is cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                # Beside one another: who waits for the database says that he lives all the same.
                for step in (self._ask, self._tend):
                    group.create_task(_for_ever(step))
        finally:
            self.fence = None
            self._candidate.interrupt()
            await asyncio.to_thread(self._candidate.close)

    async def _tend(self) -> None:
        await self._watch()
        now = asyncio.get_running_loop().time()
        if self.fence is not None and now - self._mended_at >= _MEND_S:
            self._mended_at = now
            await self._mend(self.fence)

    def live(self) -> tuple[CrawlRecord, ...]:
        """Return the crawls that workers carry out, as of a moment ago."""
        return self._under_way

    def led_store(self) -> Store | None:
        """Return the store for what only the leader writes, None while another service leads."""
        if self.fence is None:
            return None
        return self._store.checked(partial(check_leads, fence=self.fence))

    async def _watch(self) -> None:
        with suppress(StoreError):  # pages say that of the database themselves
            found = await round_states.under_way(self._store)
            if found and not await is_any_alive(self._store, self._config().queue.stalled_s):
                found = tuple(replace(one, problem=one.problem or _NOBODY) for one in found)
            self._under_way = found

    async def _ask(self) -> None:
        before = self.fence
        try:
            self.fence = await self._leadership()
        except StoreError as error:
            self.fence = None
            if before is not None:
                _LOG.error("this service leads no more: %s", error)
            return
        if self.fence is not None and self.fence != before:
            _LOG.info("this service leads now (number %d)", self.fence)
            try:
                await self._led()
            except BaseException:
                self.fence = None  # it is asked for, and begun, again
                raise

    async def _leadership(self) -> int | None:
        """Return the number of our leadership; StoreError where the database says nothing."""
        try:
            async with asyncio.timeout(SILENCE_S):
                return await asyncio.to_thread(self._candidate.ask, self._now())
        except TimeoutError:
            self._candidate.interrupt()
            raise StoreError(f"the database says nothing for {SILENCE_S:.0f} s") from None

    async def _mend(self, fence: int) -> None:
        """Have done by others what the dead were at, and enqueue what nobody is at."""
        config = self._config()
        try:
            await save_stalled(self._store, config.queue.stalled_s)
            await rounds.mend_rounds(self._store, self._queue, fence)
            names = [one.name for one in config.registries]
            await looks.forget_looks(self._store, names, self._now() - _KNOWN_WITHIN)
            due = await due_places(
                self._store,
                self._now(),
                patience_s=PATIENCE_S,
                registries=names,
                most=MOST_WAITING,
            )
            if due:
                await put_led(self._store, self._queue, fence, look_jobs(config, due))
        except LeadershipLost as error:
            _LOG.warning("%s", error)

    async def crawl(self, name: str) -> bool:
        """Have a registry crawled; say whether a crawl of it was begun."""
        registry, fence = self._config().registry(name), self.fence
        if registry is None or fence is None:
            return False
        place = (name, registry.host, len(shares_of(self._config(), registry.host)))
        return (
            await rounds.open_round(self._store, self._queue, fence, place, self._now()) is not None
        )

    async def look_at_hot(self, name: str, number: int) -> None:
        """Have looked at what is hot of a registry, by its number there."""
        registry = self._config().registry(name)
        if self.fence is None or registry is None or number >= len(registry.hot):
            return
        hot, wanted = registry.hot[number], list[Wanted]()
        for one in await hot_repositories(self._store, name, hot):
            tags = await hot_tags(self._store, one, hot) if hot.tags else [""]
            wanted += [Wanted(name, one.name, tag) for tag in tags]
        await looks.request_looks(self._store, wanted, self._now(), HOT)


async def _for_ever(step: Callable[[], Awaitable[None]]) -> None:
    """Take the step again and again, whatever comes of it."""
    while True:
        try:
            await step()
        except StoreError as error:
            _LOG.error("what is due is enqueued later: %s", error)
        except Exception:
            _LOG.exception("what is due is enqueued later")
        await asyncio.sleep(_ASK_S)
