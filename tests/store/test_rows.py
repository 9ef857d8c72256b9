"""The order of tags as a person reads them."""

from __future__ import annotations

import pytest

from mfl_lint.core.digest import Digest
from mfl_lint.core.errors import StoreError
from mfl_lint.store.rows import content_value, sort_key


class _Row:
    digest = Digest("sha256:" + "0" * 64)
    media_type = ""
    raw = b"not compressed"


@pytest.mark.parametrize(
    "ordered",
    [
        ["latest", "2", "1"],
        ["1.10", "1.9", "1.1"],
        ["v2.0", "V1.5", "v1.0"],
        ["1.27", "1.27-alpine", "1.27.4", "1.27.3", "1.26"],
        ["20260302", "20260228", "19991231"],
        ["1.0", "edge", "nightly"],
        ["9" * 128, "1.0"],
        ["1.0", "__", "stable"],
    ],
)
def test_versions_come_newest_first_between_latest_and_names(ordered: list[str]) -> None:
    assert ordered == sorted(set(ordered), key=sort_key)


def test_a_damaged_document_is_an_error_that_names_it() -> None:
    with pytest.raises(StoreError, match=r"sha256:0000.* is damaged"):
        content_value(_Row())
