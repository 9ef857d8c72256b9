"""kill -9: all or nothing, and the next one goes on."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def killed(what: str, url: str, seed: int, number: int) -> dict[str, int]:
    """Return what the program tells that kills writers to one database again and again."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.store.killing", what, url, str(seed), str(number)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert ("", 0) == (ended.stderr, ended.returncode)
    told: dict[str, int] = json.loads(ended.stdout)
    return told


@pytest.mark.parametrize(("what", "full"), [("upgrade", 100), ("record", 300)])
@pytest.mark.ordeal("postgresql")
def test_a_killed_writer_leaves_all_or_nothing_and_the_next_goes_on(
    empty_url: str, what: str, full: int, count: Callable[[int], int], seed: int
) -> None:
    tries = count(full)
    told = killed(what, empty_url, seed, tries)
    print(f"{what}: {told}")
    assert tries == told["tries"]
    assert tries // 4 < told["killed"] <= tries


@pytest.mark.parametrize("what", ["upgrade-each", "record-each"])
@pytest.mark.ordeal
def test_a_kill_before_any_statement_or_commit_leaves_all_or_nothing(
    empty_url: str, what: str, count: Callable[[int], int], seed: int
) -> None:
    stride = 20 // count(20)
    told = killed(what, empty_url, seed, stride)
    print(f"{what}: {told}, every {stride}.")
    assert told["killed"] * stride > 10
