"""Queries of URLs in texts for people."""

from __future__ import annotations

import pytest

from mfl_lint.core.queries import without_queries


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET https://s.test/b?sig=1&key=2: 403", "GET https://s.test/b?… 403"),
        ('"http://s.test/?a" and http://t.test/?c', '"http://s.test/?…" and http://t.test/?…'),
        ("https://s.test/b: what? nothing", "https://s.test/b: what? nothing"),
        (r"https://s.test/\1?\g<1>", r"https://s.test/\1?…<1>"),
    ],
)
def test_a_url_keeps_its_place_and_not_its_query(text: str, shown: str) -> None:
    assert shown == without_queries(text, "…")
