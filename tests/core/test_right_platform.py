"""Which platform an entry has to say: by its words, its config, its program."""

from __future__ import annotations

from typing import Any

import pytest

from mfl_lint.core.observation import Node
from mfl_lint.core.platform import Platform
from mfl_lint.core.right_platform import Right, Unsure, canonical, right_platform
from tests.builders import image, index, node


def entry(said: Any, *built: str, **config: Any) -> Node:
    """Return an entry that says something, of an image built for something."""
    os, arch, variant = (*built, "", "")[:3]
    child = image(os, arch, variant, config=config or None)
    return node(index(child, annotate={0: {"platform": said}})).children[0]


@pytest.mark.parametrize(
    ("said", "built", "expected"),
    [
        (None, ("linux", "amd64"), "linux/amd64"),
        (None, ("linux", "arm64", "v8"), "linux/arm64"),
        ("linux/x86_64", ("linux", "amd64"), "linux/amd64"),
        ("linux/arm64v8", ("linux", "arm64"), "linux/arm64"),
        ("linux/arm", ("linux", "arm", "v6"), "linux/arm/v6"),
        ("linux/arm", ("linux", "arm"), "linux/arm/v7"),
        ("linux/arm/v6", ("linux", "arm"), "linux/arm/v6"),
        ("linux/arm/armv6", ("linux", "arm", "v6"), "linux/arm/v6"),
        ("linux/arm64/foo", ("linux", "arm64"), "linux/arm64"),
        ("LINUX/amd64", ("linux", "amd64"), "linux/amd64"),
        ("linux/what-is-this", ("linux", "s390x"), "linux/s390x"),
    ],
)
def test_words_that_agree_with_the_config_are_put_in_canonical_ones(
    said: Any, built: tuple[str, ...], expected: str
) -> None:
    found = right_platform(entry(said, *built))
    assert isinstance(found, Right)
    assert expected == str(found.platform)


@pytest.mark.parametrize(
    ("said", "built"),
    [
        ("linux/arm64", ("linux", "amd64")),
        ("linux/arm/v6", ("linux", "arm", "v7")),
        ("linux/amd64", ("windows", "amd64")),
        ("linux/amd64/v2", ("linux", "amd64", "v3")),
    ],
)
def test_words_that_contradict_the_config_want_the_layers(
    said: str, built: tuple[str, ...]
) -> None:
    found = right_platform(entry(said, *built))
    assert isinstance(found, Unsure)
    assert found.wants_layers


def test_without_any_word_nobody_can_tell() -> None:
    found = right_platform(entry(None, "linux", "amd64", os="", architecture=""))
    assert isinstance(found, Unsure)
    assert not found.wants_layers


def test_a_windows_entry_gets_the_build_that_its_config_says() -> None:
    child = image("windows", "amd64", os_version="10.0.20348.1")
    said = {"os": "windows", "architecture": "amd64"}
    found = right_platform(node(index(child, annotate={0: {"platform": said}})).children[0])
    assert isinstance(found, Right)
    assert "windows(10.0.20348.1)/amd64" == found.platform.full


@pytest.mark.parametrize(
    "platform",
    [Platform(), Platform("linux"), Platform("unknown", "unknown"), Platform("linux", "\x1b[2J")],
)
def test_what_no_engine_knows_has_no_canonical_words(platform: Platform) -> None:
    assert canonical(platform) is None
