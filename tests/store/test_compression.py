"""Documents as the database keeps them."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfl_lint.store.compression import compressor, decompressed


@given(st.lists(st.binary(max_size=5000), max_size=8))
def test_every_document_comes_back_as_it_was(documents: list[bytes]) -> None:
    compress = compressor()
    kept = [compress(document) for document in documents]
    assert [decompressed(one) for one in kept] == documents


def test_a_document_that_the_first_release_kept_is_still_read() -> None:
    assert decompressed(zlib.compress(b'{"schemaVersion": 2}', 1)) == b'{"schemaVersion": 2}'


@pytest.mark.parametrize("kept", [b"", b"x", compressor()(b"a document")[:-3], b"\x28\xb5\x2f\xfd"])
def test_damaged_bytes_are_said_to_be_damaged(kept: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        decompressed(kept)
