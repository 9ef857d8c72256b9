"""What answers depend on, asked for at most once a second: no answer is staler than that."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from datetime import datetime
from typing import Final

import msgspec
from aiohttp import web
from multidict import CIMultiDict

from mfl_lint.config import Config
from mfl_lint.core.policy import Ignore, glob_matches
from mfl_lint.store.revisions import revisions
from mfl_lint.web.services import Services

FRESH_S: Final = 1.0
# Answers hold times such as "a day ago": they are made anew at least this often.
_TICK_S: Final = 60
_MOST: Final = 1000
Sees = frozenset[str] | None


class Sent(msgspec.Struct, frozen=True):
    """An answer as it was sent."""

    status: int
    headers: CIMultiDict[str]
    body: bytes | None


class _Sample(msgspec.Struct, frozen=True):
    """What held when it was taken, `at` on the monotonic clock: for all, and by registry.

    `sent` are the answers since then, by all that was asked.
    """

    at: float
    common: Hashable
    registries: dict[str, Hashable]
    marks: dict[tuple[str | None, Sees], str]
    sent: dict[Hashable, Sent]


class _Settings:
    """Numbers that grow when settings change: one for what concerns all, "", and by registry.

    Whoever may not know of a registry is not to see that something was changed about it.
    """

    def __init__(self) -> None:
        self._config: Config | None = None
        self._known: dict[str, object] = {}
        self._numbers: dict[str, int] = {}
        self._ignores: dict[str, tuple[Ignore, ...]] = {}

    def read(self, config: Config) -> None:
        """Take over what holds now."""
        if config is self._config:
            return
        self._config = config
        ignores, self._ignores = config.policy.ignores, {}
        policy = msgspec.structs.replace(config.policy, ignores=())
        now: dict[str, object] = {
            "": msgspec.structs.replace(config, policy=policy, registries=()),
        }
        for one in config.registries:
            covers = [ignore for ignore in ignores if glob_matches(ignore.registry, one.name)]
            self._ignores[one.name] = tuple(covers)
            now[one.name] = one, self._ignores[one.name]
        for name in now.keys() | self._known.keys():
            if now.get(name) != self._known.get(name):
                self._numbers[name] = self._numbers.get(name, 0) + 1
        self._known = now

    def mark(self, name: str) -> int:
        """Return how often the settings of a registry changed; "" for what concerns all."""
        return self._numbers.get(name, 0)

    def standing(self, name: str, now: datetime) -> int:
        """Return how many ignores hold in a registry at `now`."""
        return sum(one.expires is None or now < one.expires for one in self._ignores.get(name, ()))


class Freshness:
    """Marks that change whenever an answer may: the revisions of the data, and what is not data.

    An answer that was read under a mark holds while the mark does. It is taken before the answer
    is read, so that an answer may be newer than its mark, never older.
    """

    def __init__(
        self,
        services: Services,
        fresh_s: float = FRESH_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._services = services
        self._fresh_s = fresh_s
        self._clock = clock
        self._sample: _Sample | None = None
        self._settings = _Settings()
        self._names: OrderedDict[tuple[str | None, Sees], tuple[Hashable, str]] = OrderedDict()
        self._process = secrets.token_hex(8)
        self._counter = itertools.count()
        self._turn = asyncio.Lock()

    def forget(self) -> None:
        """Ask anew next time: something was changed here."""
        self._sample = None

    async def mark(self, registry: str | None, sees: frozenset[str] | None = None) -> Hashable:
        """Return the mark of what concerns one registry, or all of those that somebody sees."""
        sample = self._standing()
        if sample is None:
            sample = await self._anew()
        if registry is not None:
            sees = None
            registry = registry if registry in sample.registries else ""  # nobody's name
        held = sample.marks.get((registry, sees))
        if held is None:
            held = sample.marks[registry, sees] = self._named(sample, registry, sees)
        return held

    def sent(self) -> dict[Hashable, Sent] | None:
        """Return what was sent since the marks were taken, None where they hold no more."""
        sample = self._standing()
        return sample.sent if sample is not None else None

    def _standing(self) -> _Sample | None:
        sample = self._sample
        if sample is None or self._clock() - sample.at >= self._fresh_s:
            return None
        return sample

    async def _anew(self) -> _Sample:
        """Return what holds now; asked for by one, for all who wait."""
        async with self._turn:
            sample = self._standing()
            if sample is None:
                sample = self._sample = await self._take()
            return sample

    def _named(self, sample: _Sample, registry: str | None, sees: Sees) -> str:
        """Return a name for what holds: as before where that is the same, else a new one.

        It stands for what would be long to hash and to compare with every request.
        """
        if registry is None:
            known = sample.registries.items()
            whole: Hashable = tuple(one for one in known if sees is None or one[0] in sees)
        else:
            whole = sample.registries.get(registry)
        asked, found = (registry, sees), (sample.common, whole)
        held = self._names.get(asked)
        if held is None or held[0] != found:
            held = self._names[asked] = found, f"{self._process} {next(self._counter)}"
            self._names.move_to_end(asked)
            while len(self._names) > _MOST:
                self._names.popitem(last=False)
        return held[1]

    async def _take(self) -> _Sample:
        at, services = self._clock(), self._services
        settings, now = self._settings, services.now()
        settings.read(services.config())
        live = services.live()
        common = (settings.mark(""), int(now.timestamp() // _TICK_S))
        found = await revisions(services.store)
        marks: dict[str, Hashable] = {
            name: (
                name,
                number,
                settings.mark(name),
                settings.standing(name, now),
                services.next_crawl(name),
                tuple(one for one in live if one.registry == name),
            )
            for name, number in sorted(found.items())
        }
        return _Sample(at, common, marks, {}, {})


FRESHNESS: Final = web.AppKey("freshness", Freshness)
