"""Every row of what is known of `docker manifest` is shown: the same, or better.

The rows are those of corpus/docker_manifest_semantics.json; what is better stands in the
docstring of what shows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli import docker_rows_beside
from tests.cli.conftest import Command
from tests.cli.docker_rows import ROWS, SEMANTICS
from tests.cli.manifest_world import World
from tests.fault_registry import FaultRegistry

assert docker_rows_beside  # its rows are among ROWS since it was imported


def _rows() -> Iterator[str]:
    for section in ("references", "local_store"):
        yield from (f"{section}: {key}" for key in SEMANTICS[section])
    for section in ("create", "annotate", "push", "inspect", "rm"):
        for key, value in SEMANTICS[section].items():
            yield from (f"{section}: {text}" for text in _texts(key, value))
    for test in SEMANTICS["upstream_tests"]:
        yield f"upstream: {test['test']} {test.get('args', '')}"


def _texts(key: str, value: Any) -> Iterator[str]:
    if key == "errors":
        yield from (error["when"] for error in value)
    elif isinstance(value, dict) or key in ("behaviour", "order"):
        yield from value
    else:
        yield key


def _shown_by(text: str) -> str:
    """Return the name under which a row is shown: the longest that it begins with."""
    return max((name for name in ROWS if text.startswith(name)), key=len, default="")


def test_every_row_is_shown_and_nothing_else() -> None:
    rows = list(_rows())
    assert [] == [text for text in rows if not _shown_by(text)]
    assert set(ROWS) == {_shown_by(text) for text in rows}
    assert 110 == len(rows)


@pytest.mark.parametrize("name", ROWS)
def test_row(name: str, served: FaultRegistry, command: Command) -> None:
    ROWS[name](World(served, command))
