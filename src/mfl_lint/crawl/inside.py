"""Look inside images where the registry is configured so; what was read is kept in the store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

from mfl_lint.core.digest import Digest
from mfl_lint.core.layer import LayerSummary
from mfl_lint.core.observation import Observation
from mfl_lint.crawl.job import Job
from mfl_lint.registry.observe import Unchanged
from mfl_lint.registry.source import Source
from mfl_lint.store.engine import Store
from mfl_lint.store.layers import read_layers, write_layers

# A layer that is damaged or too large is so for ever; our bounds may change.
_TRY_AGAIN: Final = timedelta(days=7)


class StoreMemory:
    """The store as a memory of layers."""

    lasting = True

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    async def recall(self, digest: Digest) -> LayerSummary | None:
        """Return what is kept of a layer; of one that could not be read only for some days."""
        tried_after = self._now() - _TRY_AGAIN
        return (await read_layers(self._store, [digest], tried_after=tried_after)).get(digest)

    async def keep(self, layers: Sequence[LayerSummary]) -> None:
        """Keep layers, in the place of what was kept of them."""
        await write_layers(self._store, layers, self._now())


async def look_inside(
    job: Job,
    source: Source,
    seen: Observation | Unchanged,
    renew: Callable[[], Awaitable[None]],
) -> Observation | Unchanged:
    """Return the look with what is inside its images, where the job reads layers.

    `renew` is called now and then while that takes its time.
    """
    if job.inside is None or isinstance(seen, Unchanged):
        return seen
    async with _called(renew, job.settings.lease_s / 4):
        return await job.inside.look(source, seen)


@asynccontextmanager
async def _called(renew: Callable[[], Awaitable[None]], every_s: float) -> AsyncIterator[None]:
    async def work() -> None:
        while True:
            await asyncio.sleep(every_s)
            await renew()

    task = asyncio.create_task(work())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
