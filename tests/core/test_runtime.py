from __future__ import annotations

import pytest

from mfl_lint.core.digest import digest_of
from mfl_lint.core.manifest import ImageConfig
from mfl_lint.core.parse import parse_config
from mfl_lint.core.runtime import Runtime, labels_of, runtime_of


def config(text: str) -> ImageConfig:
    raw = text.encode()
    return parse_config(raw, digest_of(raw))


def read(text: str) -> Runtime | None:
    return runtime_of(config(text))


def test_what_a_config_sets_is_read() -> None:
    found = read('{"config": {"Cmd": ["x"], "WorkingDir": "/a", "Foo": 1}}')
    assert Runtime(cmd=("x",), working_dir="/a") == found


@pytest.mark.parametrize("text", ["{}", '{"config": null}', '{"config": {"Cmd": null}}'])
def test_what_is_not_set_is_absent(text: str) -> None:
    assert Runtime() == read(text)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"config": {"Cmd": "x"}}', '{"config": 1}', '{"x": ' + "[" * 9999]
)
def test_what_is_of_another_type_is_not_read(text: str) -> None:
    assert None is read(text)


def test_labels_are_read_whatever_else_is_set() -> None:
    assert {"a": "b"} == labels_of(config('{"config": {"Cmd": 1, "Labels": {"a": "b"}}}'))


@pytest.mark.parametrize("text", ["", "{}", '{"config": {"Labels": {"a": 1}}}'])
def test_labels_that_are_absent_or_no_texts_are_none(text: str) -> None:
    assert {} == labels_of(config(text))


def test_without_a_config_there_are_no_labels() -> None:
    assert {} == labels_of(None)


def test_images_that_differ_in_labels_only_are_started_alike() -> None:
    labelled = read('{"config": {"Cmd": ["x"], "Labels": {"a": "b"}}}')
    assert read('{"config": {"Cmd": ["x"]}}') == labelled
