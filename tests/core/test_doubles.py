from __future__ import annotations

import pytest

from mfl_lint.core.doubles import doubles, preferred, same_key
from mfl_lint.core.platform import Platform
from tests.builders import Built, image, index, node

AMD64, OTHER = image("linux", "amd64"), image("linux", "amd64", name="other")
NEWER = image("linux", "amd64", name="newer", created="2026-03-02T12:00:00Z")
UNDATED = image("linux", "amd64", name="undated", created="1970-01-01T00:00:00Z")
ZSTD = {1: {"annotations": {"io.github.containers.compression.zstd": "true"}}}


def test_different_images_for_one_platform_are_doubles() -> None:
    root = node(index(AMD64, image("linux", "arm64"), OTHER))
    assert [[0, 2]] == [[one.position for one in group] for group in doubles(root.children)]


@pytest.mark.parametrize(
    "built", [index(AMD64, AMD64), index(AMD64, OTHER, annotate=ZSTD), index(AMD64)]
)
def test_the_same_image_and_one_that_is_packed_otherwise_are_none(built: Built) -> None:
    assert [] == doubles(node(built).children)


@pytest.mark.parametrize(
    ("images", "kept", "why"),
    [
        ((AMD64, OTHER), 0, "what engines take today"),
        ((AMD64, NEWER), 1, "the newest, of 2026-03-02 12:00"),
        ((NEWER, AMD64), 0, "the newest, of 2026-03-02 12:00"),
        ((UNDATED, NEWER), 0, "what engines take today"),
    ],
)
def test_the_newest_stays_else_the_first(images: tuple[Built, ...], kept: int, why: str) -> None:
    nodes = node(index(*images)).children
    found, said = preferred(nodes)
    assert (nodes[kept], why) == (found, said)


def test_an_entry_without_a_whole_platform_is_the_same_as_none() -> None:
    one = node(index(AMD64)).children[0]
    for platform in (None, Platform("linux"), Platform("unknown", "unknown")):
        assert same_key(one, platform) is None
