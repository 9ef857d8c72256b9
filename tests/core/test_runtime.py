from __future__ import annotations

import pytest

from mfl_lint.core.digest import digest_of
from mfl_lint.core.parse import parse_config
from mfl_lint.core.runtime import Runtime, runtime_of


def read(text: str) -> Runtime | None:
    raw = text.encode()
    return runtime_of(parse_config(raw, digest_of(raw)))


def test_what_a_config_sets_is_read() -> None:
    found = read('{"config": {"Cmd": ["x"], "WorkingDir": "/a", "Labels": {"a": "b"}, "Foo": 1}}')
    assert Runtime(cmd=("x",), working_dir="/a", labels={"a": "b"}) == found


@pytest.mark.parametrize("text", ["{}", '{"config": null}', '{"config": {"Cmd": null}}'])
def test_what_is_not_set_is_absent(text: str) -> None:
    assert Runtime() == read(text)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"config": {"Cmd": "x"}}', '{"config": 1}', '{"x": ' + "[" * 9999]
)
def test_what_is_of_another_type_is_not_read(text: str) -> None:
    assert None is read(text)
