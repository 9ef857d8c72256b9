"""What workers tell one another of hosts, through the database.

A host that asks for patience is left in peace by all of them; what one hears of the pulls that
are left, all go by.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from uuid import uuid4

from mfl_lint.core.errors import StoreError
from mfl_lint.registry.allowance import Allowance
from mfl_lint.registry.learned import Learned
from mfl_lint.registry.politeness import Limits
from mfl_lint.service.outage import Outage
from mfl_lint.service.slots import Slots
from mfl_lint.store import hosts
from mfl_lint.store.engine import Store
from mfl_lint.store.hosts import HostState

_EVERY_S: Final = 0.5
# Two who count the same seconds down do not tell one another for ever.
_NEWS_S: Final = 1.0


class Manners:
    """The manners of one worker's slots."""

    def __init__(self, store: Store, slots: Slots, outage: Outage | None = None) -> None:
        self._store = store
        self._slots = slots
        self._outage = outage or Outage()
        self._worker = uuid4().hex
        self._known: dict[str, HostState] = {}
        self._told: dict[tuple[int, str, str], Allowance] = {}

    async def run(self) -> None:
        """Tell others and hear them until this is cancelled."""
        while True:
            try:
                await self.exchange()
            except StoreError as error:
                await self._outage.failed("hosts", error, _EVERY_S)
            else:
                self._outage.worked("hosts")
                await asyncio.sleep(_EVERY_S)

    async def exchange(self) -> None:
        """Tell what is new here, and take over what others know."""
        self._known = await hosts.exchange(self._store, self._news())
        learned = {
            name: Learned(
                state.deferred_s, {who: Allowance(*left) for who, left in state.allowances.items()}
            )
            for name, state in self._known.items()
        }
        for transport in self._slots.transports():
            transport.teach(learned)

    def _news(self) -> dict[str, HostState]:
        """Return what was heard here since it was told last."""
        news: dict[str, HostState] = {}
        for transport in self._slots.transports():
            for name, one in transport.learned().items():
                known = self._known.get(name)
                deferred = one.deferred_s > (known.deferred_s if known else 0.0) + _NEWS_S
                heard = {
                    who: (left.limit, left.remaining, left.window_s, left.source)
                    for who, left in one.allowances.items()
                    if self._told.get((id(transport), name, who)) is not left
                }
                if deferred or heard:
                    news[name] = HostState(one.deferred_s if deferred else 0.0, heard)
                for who, left in one.allowances.items():
                    self._told[id(transport), name, who] = left
        return news

    @asynccontextmanager
    async def slot(
        self, host: str, slot: int, share: Limits, *, again: bool
    ) -> AsyncIterator[None]:
        """Keep the distance from whoever used the slot last; let the next one do so.

        `again`: whoever had it may have been killed, and told nobody.
        """
        await self.exchange()
        if not share.rate:
            yield
            return
        since = await hosts.since_used(self._store, host, slot, self._worker)
        since = 0.0 if again else since
        left = 0.0 if since is None else share.window_s - since
        if left > 0:
            await asyncio.sleep(left)
        try:
            yield
        finally:
            await hosts.note_used(self._store, host, slot, self._worker)
            await self.exchange()
