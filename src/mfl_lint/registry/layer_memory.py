"""What is remembered of layers that were read, for as long as a run takes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, Protocol

from mfl_lint.core.digest import Digest
from mfl_lint.core.layer import LayerSummary
from mfl_lint.core.packing import packed, unpacked

_MAX_BYTES: Final = 64 * 1024 * 1024


class LayerMemory(Protocol):
    """Where layers that were read and verified are kept. `lasting`: longer than this run."""

    lasting: bool

    async def recall(self, digest: Digest) -> LayerSummary | None:
        """Return what is remembered of a layer."""

    async def keep(self, layers: Sequence[LayerSummary]) -> None:
        """Remember layers, in the place of what was remembered of them."""


class RunMemory:
    """A memory of one run: packed, and without those asked for longest ago where it is full."""

    lasting = False

    def __init__(self, max_bytes: int = _MAX_BYTES) -> None:
        self._packed: OrderedDict[Digest, bytes] = OrderedDict()
        self._room = max_bytes

    async def recall(self, digest: Digest) -> LayerSummary | None:
        """Return what is remembered of a layer."""
        packed = self._packed.get(digest)
        if packed is None:
            return None
        self._packed.move_to_end(digest)
        return unpacked(packed)

    async def keep(self, layers: Sequence[LayerSummary]) -> None:
        """Remember layers, in the place of what was remembered of them."""
        for layer in layers:
            self._room += len(self._packed.pop(layer.digest, b""))
            self._packed[layer.digest] = data = packed(layer)
            self._room -= len(data)
        while self._room < 0 and self._packed:
            self._room += len(self._packed.popitem(last=False)[1])
