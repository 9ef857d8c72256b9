"""Makes the looks that were asked for: at once, beside crawls, each repository's by itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from mfl_lint.core.errors import LeaseLost, MflLintError
from mfl_lint.core.observation import LookState
from mfl_lint.core.records import ASKED, THOROUGHLY, WEBHOOK, LookRequest
from mfl_lint.crawl.crawler import Crawler
from mfl_lint.crawl.holder import has_ended, new_holder
from mfl_lint.crawl.job import RepositoryResult
from mfl_lint.crawl.watch import watched_repositories
from mfl_lint.report.material import counted
from mfl_lint.store import leases, looks, registries
from mfl_lint.store.engine import Store
from mfl_lint.store.looks import AGAIN, HOT, PATIENT, THROTTLED

_LOG: Final = logging.getLogger("mfl_lint")
_REPOSITORIES_AT_ONCE: Final = 64
_LOOKS_AT_ONCE: Final = 1000
PATIENCE_S: Final = 600.0
_BUSY_S: Final = 0.5
_GATHER_S: Final = 0.02
# More tags of one repository are a look at all of it: one listing, and what is unchanged is cheap.
_TAGS: Final = 50
# What may be otherwise ten minutes later.
_FAILED: Final = frozenset({LookState.THROTTLED, LookState.UNREACHABLE, LookState.INVALID})

_WHY: Final = {
    ASKED: "somebody asked",
    WEBHOOK: "a webhook told of it",
    HOT: "it is hot",
    AGAIN: "the last look failed",
    THROTTLED: "the registry asked for patience",
}
_NAMED: Final = 5

Place = tuple[str, str]


class Looker:
    """Takes requests from the store until it is cancelled; of one repository once at a time.

    While somebody crawls a repository its requests wait, and no other's. What fails for now is
    asked for again, ten minutes later.
    """

    def __init__(
        self,
        store: Store,
        crawler: Crawler,
        now: Callable[[], datetime],
        every_s: float,
        holder: str = "",
    ) -> None:
        self._store = store
        self._crawler = crawler
        self._now = now
        self._every_s = every_s
        self._holder = holder or new_holder()
        self._awake = asyncio.Event()
        self._at: dict[Place, asyncio.Task[None]] = {}

    def hurry(self) -> None:
        """Have looks that were asked for made now."""
        self._awake.set()

    async def run(self) -> None:
        """Make looks as they are asked for here, and others' every so many seconds."""
        hurried = False
        try:
            while True:
                self._awake.clear()
                await self._take_safely(free=not hurried)
                # What comes in a burst is taken together.
                await asyncio.sleep(_GATHER_S)
                try:
                    async with asyncio.timeout(self._every_s):
                        hurried = await self._awake.wait()
                except TimeoutError:
                    hurried = False
        finally:
            for task in self._at.values():
                task.cancel()
            await asyncio.gather(*self._at.values(), return_exceptions=True)

    async def look_now(self, place: Place) -> None:
        """Look at what was asked for of one repository: somebody else decides when."""
        taken = await self._take_all(place)
        requests = [request for request in taken if not self._is_early(request)]
        if requests:
            await self._look(place, requests)

    async def give_up(self, place: Place) -> None:
        """Forget what was asked for of a repository."""
        await looks.done_looks(self._store, [one.id for one in await self._take_all(place)])

    async def _take_all(self, place: Place) -> tuple[LookRequest, ...]:
        return await looks.take_looks(
            self._store,
            _LOOKS_AT_ONCE,
            now=self._now(),
            lease_s=PATIENCE_S,
            holder=self._holder,
            of=place,
        )

    async def _take_safely(self, *, free: bool) -> None:
        """Take what there is; what fails is said, and taken at a later turn."""
        try:
            await self._take(free=free)
        except MflLintError as error:
            _LOG.error("looks that were asked for are put off: %s", error)
        except Exception:
            _LOG.exception("taking the looks that were asked for broke; they are put off")
            await asyncio.sleep(_BUSY_S)

    async def _take(self, *, free: bool) -> None:
        """Begin to look at what was asked for, as far as there is room.

        `free`: what other processes took that were killed is looked at too.
        """
        room = _REPOSITORIES_AT_ONCE - len(self._at)
        if room <= 0:
            return
        if free:
            await looks.free_looks(self._store, has_ended, self._now())
        taken = await looks.take_looks(
            self._store,
            room,
            now=self._now(),
            lease_s=PATIENCE_S,
            holder=self._holder,
            besides=tuple(self._at),
        )
        if len(taken) == room:
            self._awake.set()  # there may be more
        asked: dict[Place, list[LookRequest]] = {}
        for request in taken:
            if not self._is_early(request):
                asked.setdefault((request.registry, request.repository), []).append(request)
        for place, requests in asked.items():
            task = asyncio.create_task(self._look(place, requests))
            self._at[place] = task
            task.add_done_callback(partial(self._ended, place))

    def _ended(self, place: Place, _: asyncio.Task[None]) -> None:
        del self._at[place]
        self._awake.set()

    def _is_early(self, request: LookRequest) -> bool:
        """Say whether a registry that asked for patience has not had it yet.

        The request stays taken, and comes again when that is over.
        """
        age_s = (self._now() - request.requested_at).total_seconds()
        return request.reason in PATIENT and age_s < PATIENCE_S

    async def _look(self, place: Place, requests: Sequence[LookRequest]) -> None:
        """Look at what was asked for of a repository. What fails stays taken, and comes again."""
        name, repository = place
        tags = frozenset(request.tag for request in requests)
        try:
            registry = self._crawler.config.registry(name)
            if registry is not None and watched_repositories(registry, [repository]):
                if "" in tags or len(tags) > _TAGS or await self._is_gone(place):
                    await self._crawl(place, requests)
                else:
                    await self._look_at(place, tags, requests)
            await looks.done_looks(self._store, [request.id for request in requests])
        except MflLintError as error:
            _LOG.error("the look at %s/%s is put off: %s", name, repository, error)
        except Exception:
            _LOG.exception("the look at %s/%s broke and is put off", name, repository)

    async def _is_gone(self, place: Place) -> bool:
        """Say whether all of a repository was gone: then all of it is looked at."""
        held = await registries.repository(self._store, *place)
        return held is not None and (held.gone_at is not None or not held.watched)

    async def _look_at(
        self, place: Place, tags: frozenset[str], requests: Sequence[LookRequest]
    ) -> None:
        recheck = any(one.rechecks for one in requests)
        while (result := await self._looked(place, tags, recheck=recheck)) is None:
            await self._wait(place)
        named = counted(result.tags, "tag") if len(tags) > _NAMED else ", ".join(sorted(tags))
        _say(place, requests, named, result.problem)
        await self._put_off(place, requests, {result.look, *result.failed})

    async def _put_off(
        self, place: Place, requests: Sequence[LookRequest], ended: Collection[LookState]
    ) -> None:
        """Ask again for what failed; once, unless the registry asked for patience."""
        if _FAILED.isdisjoint(ended):
            return
        patient = LookState.THROTTLED in ended
        for one in requests:
            if patient or not one.reason.startswith(AGAIN):
                reason = looks.again(THROTTLED if patient else AGAIN, thoroughly=one.rechecks)
                await looks.request_look(self._store, *place, one.tag, self._now(), reason)

    async def _looked(
        self, place: Place, tags: frozenset[str], *, recheck: bool
    ) -> RepositoryResult | None:
        try:
            return await self._crawler.look(*place, tags, recheck=recheck)
        except LeaseLost:
            return None

    async def _crawl(self, place: Place, requests: Sequence[LookRequest]) -> None:
        name, repository = place
        recheck = any(one.rechecks for one in requests)
        while self._crawler.config.registry(name) is not None:
            if not await leases.is_held(self._store, name, repository, self._now()):
                progress = await self._crawler.crawl(name, only=[repository], recheck=recheck)
                if progress is not None and not progress.held:
                    _say(place, requests, counted(progress.tags, "tag"), progress.problem)
                    await self._put_off(place, requests, progress.failed)
                    return
            await self._wait(place)

    async def _wait(self, place: Place) -> None:
        """Let whoever has the repository get on; free it where they have ended."""
        await leases.release_ended(self._store, place[0], has_ended, self._now())
        await asyncio.sleep(_BUSY_S)


def _say(place: Place, requests: Sequence[LookRequest], seen: str, problem: str) -> None:
    """Log a look, and why it was made; what is looked at all the time only to debug."""
    reasons = sorted({one.reason for one in requests})
    level = logging.DEBUG if reasons == [HOT] else logging.INFO
    whys = dict.fromkeys(reason.removesuffix(THOROUGHLY) for reason in reasons)
    why = ", ".join(_WHY.get(reason, reason) for reason in whys)
    after = f"; {problem}" if problem else ""
    _LOG.log(level, "looked at %s/%s: %s (%s)%s", *place, seen, why, after)
