"""Judge what was built with its layers read, as a deep look would read them."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Mapping

import msgspec

from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.inside import Inside
from mfl_lint.core.layer import LayerSummary
from mfl_lint.core.observation import Kind, Node, Observation
from mfl_lint.core.rule import Judgement, Rule
from mfl_lint.registry.layers import LayerLimits, read_layer
from tests.builders import Built, observation
from tests.rules.cases import judged_observation


def judged_deep(
    rule: Rule,
    built: Built,
    *,
    unread: Collection[Digest] = (),
    problems: Mapping[Digest, str] | None = None,
) -> Judgement:
    """Return what one rule says; of the layers in `unread` and in `problems` nothing is known."""
    return judged_observation(rule, read_inside(observation(built), built, unread, problems))


def read_inside(
    seen: Observation,
    built: Built,
    unread: Collection[Digest] = (),
    problems: Mapping[Digest, str] | None = None,
) -> Observation:
    """Return what was seen with the layers of what was built read."""
    assert seen.root is not None
    blobs = {digest_of(blob): blob for blob in _blobs(built)}
    hidden = {*unread, *(problems or {})}
    root = _with_inside(seen.root, blobs, hidden, dict(problems or {}))
    return msgspec.structs.replace(seen, root=root)


def _blobs(built: Built) -> Iterator[bytes]:
    yield from built.blobs
    for child in built.children:
        yield from _blobs(child)


def _with_inside(
    node: Node, blobs: Mapping[Digest, bytes], hidden: set[Digest], problems: dict[Digest, str]
) -> Node:
    children = tuple(_with_inside(child, blobs, hidden, problems) for child in node.children)
    inside = None
    if node.kind is Kind.IMAGE and node.document is not None:
        layers = [(one.digest, one.media_type) for one in node.document.layers if one.digest]
        read = tuple(_read(*layer, blobs, hidden) for layer in layers)
        inside = Inside(tuple(digest for digest, _ in layers), read, problems)
    return msgspec.structs.replace(node, children=children, inside=inside)


def _read(
    digest: Digest, media_type: str, blobs: Mapping[Digest, bytes], hidden: set[Digest]
) -> LayerSummary | None:
    if digest in hidden or digest not in blobs:
        return None
    return read_layer(io.BytesIO(blobs[digest]), media_type, digest, LayerLimits())
