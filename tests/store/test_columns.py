"""Text and times that both databases take, and give back alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

from mfl_lint.store.columns import clean, from_json, micros, to_json


class _Named(msgspec.Struct):
    name: str
    more: dict[str, list[str]] = {}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("plain", "plain"),
        ("a\x00b", "a\ufffdb"),
        ("\ud800", "\ufffd"),
        ("\udc00x", "\ufffdx"),
        ("ü\U0001f600", "ü\U0001f600"),
        ("\ud83d\ude00", "\U0001f600"),
        ("", ""),
    ],
)
def test_what_no_database_takes_is_replaced(given: str, expected: str) -> None:
    assert expected == clean(given)


def test_json_holds_any_string() -> None:
    value = _Named("a\ud800", {"\udc00": ["x", "\ud800y"]})
    assert _Named("a\ufffd", {"\ufffd": ["x", "\ufffdy"]}) == from_json(to_json(value), _Named)


def test_a_time_is_exact_to_the_microsecond_in_any_zone() -> None:
    at = datetime(2026, 3, 2, 12, 0, 0, 123457, tzinfo=UTC)
    assert micros(at) == micros(at.astimezone(timezone(timedelta(hours=-7))))
    assert 1 == micros(at + timedelta(microseconds=1)) - micros(at)
    assert -1 == micros(datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC))
