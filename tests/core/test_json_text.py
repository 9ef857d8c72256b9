"""JSON that two readers would read differently is never read silently."""

from __future__ import annotations

import pytest

from mfl_lint.core.json_text import load_object
from mfl_lint.core.manifest import ProblemKind
from mfl_lint.core.problems import Odd, Problems, shown


def loaded(text: str) -> tuple[object, list[tuple[str, str, str]]]:
    problems = Problems()
    value = load_object(text.encode(), problems)
    return value, [(str(p.kind), p.where, p.message) for p in problems.kept()]


def test_plain_json_is_read_as_it_stands() -> None:
    text = '{"a": [1, 2.5, null, true, "\\u00e9\\\\u0000", -7], "": {"b": 99999999999999999999999}}'
    value = {"a": [1, 2.5, None, True, "\xe9\\u0000", -7], "": {"b": 99999999999999999999999}}
    assert (value, []) == loaded(text)


def test_the_last_of_repeated_keys_stands_and_every_place_is_named() -> None:
    value, found = loaded('{"a": 1, "b": [{"c": 1, "c": 2, "c": 3}], "a": 4}')
    assert {"a": 4, "b": [{"c": 3}]} == value
    repeated = "the key stands {} times in one object"
    assert [
        ("ambiguous", "a", repeated.format(2)),
        ("ambiguous", "b[0].c", repeated.format(3)),
    ] == found


def test_keys_that_differ_only_by_escapes_are_the_same_key() -> None:
    assert [(ProblemKind.AMBIGUOUS, "a")] == [f[:2] for f in loaded('{"a": 1, "\\u0061": 2}')[1]]


@pytest.mark.parametrize(
    "text",
    [
        '{"a" : 1, "a":2}',
        '{"a":"\\u0022","a":"\\u0022\\u0022"}',
        '{"a":"\\"","a":"\\u0022\\u0022\\u0022"}',
        '{"a":":","a":"\\\\"}',
        '{"b":"\\u0026","a":[{}],"a":1e3}',
    ],
)
def test_no_way_to_write_strings_hides_a_repeated_key(text: str) -> None:
    assert [(ProblemKind.AMBIGUOUS, "a")] == [found[:2] for found in loaded(text)[1]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("NaN", "NaN is not JSON"),
        ("-Infinity", "-Infinity is not JSON"),
        ("9" * 5000, "9" * 40 + " is a number of too many digits"),
        ('"\\ud800"', "a string holds half a surrogate pair"),
        ('"\\uDFFF\\uD800"', "a string holds half a surrogate pair"),
        ('"\\u0000"', "a string holds a NUL character"),
    ],
)
def test_what_json_cannot_mean_is_invalid_at_its_place(text: str, message: str) -> None:
    found = loaded(f'{{"x": {{"y": {text}}}}}')[1]
    assert ("invalid", "x.y", message) == found[0]


def test_values_are_shown_in_one_bounded_line() -> None:
    values: list[object] = [None, True, False, 1.5, {}, [], "a\n", "x" * 200, 10**200, Odd("NaN")]
    texts = [shown(value) for value in values]
    assert ["null", "true", "false", "1.5", "an object", "an array", "'a\\n'"] == texts[:7]
    assert ["'" + "x" * 100 + "'…", "1" + "0" * 99 + "…", "NaN"] == texts[7:]
