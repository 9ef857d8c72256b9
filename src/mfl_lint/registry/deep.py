"""Look inside images: read as many layers, from the top down, as it takes to know what is started.

Each layer is read once in a run, and once ever where the memory lasts. A failure to look stays
with the image as the reason why no more is known.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from mfl_lint.config import DeepConfig
from mfl_lint.core.digest import Digest
from mfl_lint.core.inside import Inside, started
from mfl_lint.core.kind import is_filesystem_layer
from mfl_lint.core.layer import LayerSummary
from mfl_lint.core.manifest import Descriptor, ImageConfig
from mfl_lint.core.observation import Kind, Node, Observation
from mfl_lint.core.reduction import reduced, reduced_layer
from mfl_lint.core.shared_layers import shared_layers, sharers
from mfl_lint.registry.layer_memory import LayerMemory
from mfl_lint.registry.layer_reader import LayerReader, Place
from mfl_lint.registry.source import Source

IMAGES_AT_ONCE: Final = 4
MAX_LAYERS: Final = 500
# An engine stops at some 128 layers; who names more members than this does it on purpose.
_MAX_MEMBERS: Final = 300_000
_MOST_READS: Final = 4

_NO_PATHS: Final[frozenset[str]] = frozenset()
_NOTHING: Final = Inside((), ())
Insides = Mapping[Digest, Inside]


class DeepReader:
    """Looks inside the images of one run; of one event loop.

    `layers` were read, and `received_bytes` of them received; `told` is called after each.
    """

    def __init__(
        self,
        memory: LayerMemory,
        settings: DeepConfig,
        told: Callable[[], None] = lambda: None,
    ) -> None:
        self.told = told
        self._reader = LayerReader(memory, settings, lambda: self.told())
        self._images: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(IMAGES_AT_ONCE)
        )

    @property
    def layers(self) -> int:
        """Return how many layers were read."""
        return self._reader.layers

    @property
    def received_bytes(self) -> int:
        """Return how many bytes of layers were received."""
        return self._reader.received_bytes

    async def look(self, source: Source, seen: Observation) -> Observation:
        """Return the observation with what was read inside each of its images.

        No failure to look is raised.
        """
        if seen.root is None:
            return seen
        place = Place(source, seen.reference.registry, seen.reference.repository)
        images = {digest: node for node in seen.root.images() if (digest := _digest(node))}
        async with asyncio.TaskGroup() as group:
            tasks = {
                digest: group.create_task(self._image(place, node))
                for digest, node in images.items()
            }
        insides = {digest: task.result() for digest, task in tasks.items()}
        for index in (node for node in seen.root.walk() if node.is_index):
            insides = await self._shared(place, index, insides)
        return msgspec.structs.replace(seen, root=_put(seen.root, insides))

    async def _image(self, place: Place, node: Node) -> Inside:
        async with self._images[place.host]:
            image = _Image(node)
            if node.config is not None:
                await self._read(place, image, node.config)
            return reduced(image.inside(), node.config)

    async def _read(self, place: Place, image: _Image, config: ImageConfig) -> None:
        """Read what decides which file is started, layer by layer."""
        while (run := started(image.inside(), config)).wants is not None:
            wanted = image.want(run.wants)
            if wanted is not None:
                paths, again = run.wants_paths, image.has_read(run.wants)
                image.note(run.wants, await self._reader.read(place, wanted, paths, again=again))

    async def _shared(self, place: Place, index: Node, insides: Insides) -> dict[Digest, Inside]:
        """Read the layers too that images of different architectures share."""
        made = dict(insides)
        for digest in sorted(shared_layers(sharers(_put(index, insides)))):
            owners = [one for one in made if _lacks(made[one], digest)]
            named = {x.digest: x for node in index.images() for x in _layers(node)}
            if owners and digest in named:
                read = await self._reader.read(place, named[digest], _NO_PATHS)
                for owner in owners:
                    made[owner] = _with(made[owner], digest, read)
        return made


class _Image:
    """What is known of one image's layers while they are read."""

    def __init__(self, node: Node) -> None:
        self._layers = _layers(node)
        self._digests = tuple(layer.digest for layer in self._layers if layer.digest)
        self._read: list[LayerSummary | None] = [None] * len(self._digests)
        self._problems: dict[Digest, str] = {}
        self._reads = [0] * len(self._digests)
        if len(self._layers) > MAX_LAYERS:
            self._problems = dict.fromkeys(self._digests, f"more than {MAX_LAYERS} layers")

    def inside(self) -> Inside:
        """Return what was read so far."""
        return Inside(self._digests, tuple(self._read), self._problems)

    def want(self, position: int) -> Descriptor | None:
        """Return the layer to be read; None, and noted why, where it is not read (again)."""
        self._reads[position] += 1
        members = sum(len(layer.members) for layer in self._read if layer)
        if self._reads[position] > _MOST_READS:
            self._refuse(position, "it holds too many files to find all that is looked for")
        elif members > _MAX_MEMBERS:
            self._refuse(position, f"the layers above hold more than {_MAX_MEMBERS} files")
        else:
            return self._layers[position]
        return None

    def has_read(self, position: int) -> bool:
        """Say whether the layer was read, without an answer to what is looked for now."""
        return self._read[position] is not None

    def note(self, position: int, read: LayerSummary | str) -> None:
        """Keep what was read of a layer, or why it could not be."""
        if isinstance(read, str):
            self._refuse(position, read)
        else:
            self._read[position] = read

    def _refuse(self, position: int, why: str) -> None:
        self._read[position] = None
        self._problems[self._digests[position]] = why


def _layers(node: Node) -> tuple[Descriptor, ...]:
    """Return an image's layers that are unpacked; none where one of them has no digest."""
    named = node.document.layers if node.document is not None else ()
    layers = tuple(layer for layer in named if is_filesystem_layer(layer.media_type))
    return layers if all(layer.digest for layer in layers) else ()


def _digest(node: Node) -> Digest | None:
    return node.document.digest if node.document is not None else None


def _put(node: Node, insides: Insides) -> Node:
    """Return the tree with what was read of its images; nothing, where there was nothing to read.

    Without a document an image has no layers: what rests on them is then unknown.
    """
    children = tuple(_put(child, insides) for child in node.children)
    if node.kind is not Kind.IMAGE:
        return msgspec.structs.replace(node, children=children)
    digest = _digest(node)
    inside = insides.get(digest, _NOTHING) if digest else _NOTHING
    return msgspec.structs.replace(node, children=children, inside=inside)


def _lacks(inside: Inside, digest: Digest) -> bool:
    """Say whether the image has the layer, and nobody tried to read it."""
    pairs = zip(inside.digests, inside.layers, strict=True)
    return digest not in inside.problems and (digest, None) in pairs


def _with(inside: Inside, digest: Digest, read: LayerSummary | str) -> Inside:
    """Return what is known of an image, one more of its layers with it."""
    if isinstance(read, str):
        return msgspec.structs.replace(inside, problems={**inside.problems, digest: read})
    less = reduced_layer(read)
    found = _replaced(inside.layers, inside.digests, less)
    return msgspec.structs.replace(inside, layers=tuple(found))


def _replaced(
    layers: Iterable[LayerSummary | None], digests: Iterable[Digest], new: LayerSummary
) -> Iterable[LayerSummary | None]:
    for layer, digest in zip(layers, digests, strict=True):
        yield new if layer is None and digest == new.digest else layer
