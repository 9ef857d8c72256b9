"""Read one layer: from what is remembered, else as it streams by, each digest once at a time."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from mfl_lint.config import DeepConfig
from mfl_lint.core.digest import Digest
from mfl_lint.core.errors import NotObserved, RegistryError
from mfl_lint.core.layer import LayerSummary
from mfl_lint.core.manifest import Descriptor
from mfl_lint.registry.feed import Feed
from mfl_lint.registry.layer_memory import LayerMemory
from mfl_lint.registry.layers import LayerLimits, read_layer
from mfl_lint.registry.politeness import Flights
from mfl_lint.registry.source import Source
from mfl_lint.registry.tree import look_of

LAYERS_AT_ONCE: Final = 2
_MEBIBYTE: Final = 1024 * 1024
_MOST_FAILURES: Final = 100_000


class Place(NamedTuple):
    """Where a layer is asked for."""

    source: Source
    host: str
    repository: str


class LayerReader:
    """Reads layers, a few of each host at once. `layers` were read, and `received_bytes` of them.

    `told` is called after each.
    """

    def __init__(self, memory: LayerMemory, settings: DeepConfig, told: Callable[[], None]) -> None:
        self.layers = 0
        self.received_bytes = 0
        self._memory = memory
        self._most_bytes = settings.layer_mib * _MEBIBYTE
        self._most_unpacked = settings.unpacked_mib * _MEBIBYTE
        self._told = told
        self._flights = Flights()
        self._failed: dict[tuple[str, str, Digest], str] = {}
        self._turns: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(LAYERS_AT_ONCE)
        )

    async def read(
        self, place: Place, layer: Descriptor, paths: frozenset[str], *, again: bool = False
    ) -> LayerSummary | str:
        """Return what a layer holds; or why it was not read to its end.

        Nobody can read a layer that is kept elsewhere or encrypted: that is a summary too, with
        its problem. Where one is read, these paths are watched. What is remembered may not tell
        of them, unless it is asked for `again`. What failed is not tried again in this run.
        """
        if layer.digest is None:
            return "it has no usable digest"
        if closed := _closed(layer):
            return LayerSummary(layer.digest, problem=closed)
        if (layer.size_bytes or 0) > self._most_bytes:
            most = f"{self._most_bytes} (deep.layer_mib)"
            return f"{layer.size_bytes} bytes: not fetched, more than {most}"
        key = (place.host, place.repository, layer.digest)
        if key in self._failed:
            return self._failed[key]
        try:
            read = await self._joined(place, layer, layer.digest, paths, again=again)
        except NotObserved as error:
            why = str(error)
        except RegistryError as error:
            look = look_of(error)
            why = look.detail or str(look.state)
        else:
            return read.problem or read
        if len(self._failed) < _MOST_FAILURES:
            self._failed[key] = why
        return why

    async def _joined(
        self,
        place: Place,
        layer: Descriptor,
        digest: Digest,
        paths: frozenset[str],
        *,
        again: bool,
    ) -> LayerSummary:
        """Return what the layer holds; who wants it at the same time waits for the same reading."""
        need = paths if again else frozenset()
        start = partial(self._recall_or_read, place, layer, digest, paths, need)
        read = await self._flights.join(digest, start)
        # Somebody else may have asked for it, who wanted other paths.
        return read if _tells(read, need) else await self._flights.join(digest, start)

    async def _recall_or_read(
        self,
        place: Place,
        layer: Descriptor,
        digest: Digest,
        paths: frozenset[str],
        need: frozenset[str],
    ) -> LayerSummary:
        known = await self._memory.recall(digest)
        if known is not None and _tells(known, need):
            return known
        watched = paths.union(known.watched if known is not None else ())
        async with self._turns[place.host]:
            read = await self._stream(place, layer.media_type, digest, watched)
        await self._memory.keep([read])
        return read

    async def _stream(
        self, place: Place, media_type: str, digest: Digest, watched: frozenset[str]
    ) -> LayerSummary:
        """Return what the layer holds, verified unless it holds nothing that can be read.

        One that cannot be read to its end is received whole only where that is remembered.
        """

        def work(feed: Feed[LayerSummary]) -> LayerSummary:
            limits = LayerLimits(self._most_unpacked, deadline=0.5, clock=feed.clock)
            return read_layer(feed, media_type, digest, limits, watched)

        feed = Feed(work, drains=self._memory.lasting)
        try:
            await place.source.stream(place.repository, digest, feed.take, self._most_bytes)
            return await feed.result()
        finally:
            self.layers += 1
            self.received_bytes += feed.taken_bytes
            await feed.close()
            self._told()


def _closed(layer: Descriptor) -> str:
    """Return why nobody could read the layer, "" where one can."""
    if layer.urls:
        return "a foreign layer, which is kept elsewhere: not fetched"
    return "an encrypted layer: not fetched" if "encrypted" in layer.media_type.lower() else ""


def _tells(layer: LayerSummary, paths: frozenset[str]) -> bool:
    """Say whether the layer need not be read for these paths (again)."""
    return bool(layer.problem) or all(layer.member(x) or layer.tells_of(x) for x in paths)
