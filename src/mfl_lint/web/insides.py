"""What is kept of the layers of a tag's images, and which files decide what they run on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from mfl_lint.core.digest import Digest
from mfl_lint.core.executable import runs_on
from mfl_lint.core.inside import Inside, Proof, Started, started
from mfl_lint.core.kind import is_filesystem_layer
from mfl_lint.core.layer import LayerSummary
from mfl_lint.core.manifest import Descriptor
from mfl_lint.core.observation import Node
from mfl_lint.core.platform import Platform
from mfl_lint.core.shared_layers import declared
from mfl_lint.store.engine import Store
from mfl_lint.store.layers import read_layers
from mfl_lint.web.tag_items import InsideItem, LayerItem, ProofItem

_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_IMAGES: Final = 64
_MAX_LAYERS: Final = 200
_MAX_CHAIN: Final = 20
_MAX_PATH: Final = 300

Read = Mapping[Digest, LayerSummary]


async def insides_of(store: Store, root: Node | None) -> tuple[InsideItem, ...]:
    """Return what was read inside each image of which a layer is kept."""
    if root is None:
        return ()
    images = [one for one in _with_paths(root, "") if 0 < len(_layers(one[1])) <= _MAX_LAYERS]
    images = images[:_MAX_IMAGES]
    wanted = {layer.digest for _, node in images for layer in _layers(node) if layer.digest}
    read = await read_layers(store, wanted, tried_after=_EVER) if wanted else {}
    return tuple(_items(images, read))


def _with_paths(node: Node, path: str) -> Iterator[tuple[str, Node]]:
    """Yield the images at or below a node with their paths, as the entries have them."""
    if not node.is_index:
        yield path or "0", node
    for child in node.children:
        yield from _with_paths(child, f"{path}.{child.position}" if path else str(child.position))


def _layers(node: Node) -> tuple[Descriptor, ...]:
    """Return an image's layers that are unpacked; none where one of them has no digest."""
    named = node.document.layers if node.document is not None else ()
    layers = tuple(layer for layer in named if is_filesystem_layer(layer.media_type))
    return layers if all(layer.digest for layer in layers) else ()


def _items(images: Iterable[tuple[str, Node]], read: Read) -> Iterator[InsideItem]:
    for path, node in images:
        layers = _layers(node)
        if any(layer.digest in read for layer in layers):
            yield _item(path, node, layers, read)


def _item(path: str, node: Node, layers: tuple[Descriptor, ...], read: Read) -> InsideItem:
    platform = declared(node)
    run = _run(node, layers, read)
    return InsideItem(
        path=path,
        platform="" if platform is None else platform.full[:_MAX_PATH],
        chain=tuple(one[:_MAX_PATH] for one in run.chain[:_MAX_CHAIN]),
        programs=tuple(_proof(one, platform) for one in run.programs),
        loaders=tuple(_proof(one, platform) for one in run.loaders),
        without_loader=tuple(one.path[:_MAX_PATH] for one in run.without_loader),
        unknown=run.unknown,
        layers=tuple(_layer(one, read) for one in layers),
    )


def _run(node: Node, layers: tuple[Descriptor, ...], read: Read) -> Started:
    if node.config is None:
        return Started(unknown="the image's config was not read")
    digests = tuple(layer.digest for layer in layers if layer.digest)
    kept = tuple(read.get(digest) for digest in digests)
    problems = {one.digest: one.problem for one in kept if one is not None and one.problem}
    return started(Inside(digests, kept, problems), node.config)


def _proof(proof: Proof, platform: Platform | None) -> ProofItem:
    runs = "unknown" if platform is None else str(runs_on(proof.executable, platform))
    return ProofItem(proof.path[:_MAX_PATH], proof.layer, str(proof.executable), runs)


def _layer(layer: Descriptor, read: Read) -> LayerItem:
    kept = read.get(layer.digest) if layer.digest else None
    files = None if kept is None else len(kept.members)
    problem = "" if kept is None else kept.problem
    return LayerItem(layer.digest or "", layer.size_bytes, files, problem)
