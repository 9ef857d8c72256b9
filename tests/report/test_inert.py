import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfl_lint.report.inert import encodable, inert


@given(st.text(alphabet=st.characters()))
def test_nothing_that_acts_gets_through(text: str) -> None:
    shown = inert(text)
    shown.encode()
    assert all(c == " " or unicodedata.category(c)[0] not in "CZ" for c in shown)
    assert "##[" not in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ü 漢", "plain ü 漢"),
        ("a\r\nb", "a\\r\\nb"),
        ("\x1b[2J\x9b", "\\x1b[2J\\x9b"),
        ("\u202eabc\u2066", "\\u202eabc\\u2066"),
        ("\ud800", "\\ud800"),
        ("##[error]", "##\\[error]"),
    ],
)
def test_text_is_shown_by_its_escapes(text: str, shown: str) -> None:
    assert shown == inert(text)


def test_lone_surrogates_are_replaced_everywhere() -> None:
    given = {"a\ud800": ["\udfff", {"b": "ü"}, 1, None]}
    assert {"a�": ["�", {"b": "ü"}, 1, None]} == encodable(given)
