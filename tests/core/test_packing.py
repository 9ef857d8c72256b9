"""Layers are kept as few bytes, and what is damaged is said to be."""

from __future__ import annotations

import zlib

import pytest

from mfl_lint.core.errors import ManifestInvalid
from mfl_lint.core.packing import packed, unpacked
from tests.programs import elf, exe, link, pe, summary

LAYER = summary(
    exe("a", elf("arm", flags=0x0500_0400, arch=10)), exe("b", pe(clr=1)), link("c", "b")
)


def test_a_layer_comes_back_as_it_was() -> None:
    assert LAYER == unpacked(packed(LAYER))


def test_many_paths_take_few_bytes() -> None:
    large = summary(*(exe(f"usr/lib/python3/file{number}.py", b"") for number in range(10_000)))
    assert len(packed(large)) < 100_000


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        packed(LAYER)[:-9],
        zlib.compress(b"\x01"),
        zlib.compress(b"\x80"),
    ],
)
def test_what_is_damaged_is_no_layer(data: bytes) -> None:
    with pytest.raises(ManifestInvalid):
        unpacked(data)
