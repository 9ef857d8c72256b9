"""The demo says where it is not as it must be."""

from __future__ import annotations

import msgspec
import pytest

from mfl_lint.core.observation import LookState
from mfl_lint.service.demonstration import Shown, differences, run_demo


@pytest.fixture
async def shown() -> Shown:
    """Return what a whole demo shows."""
    kept: list[Shown] = []
    assert () == await run_demo(show=kept.append, ready=print, once=True)
    return kept[0]


async def test_any_difference_is_a_line(shown: Shown) -> None:
    scan, images = shown.scan, shown.images
    assert (len(images), "") == (len(scan.targets), shown.progress.problem)
    wrong = next(found for found in scan.findings if found.rule == "MFL101")
    place = f"{wrong.repository}:{wrong.tag}"
    kept = tuple(found for found in scan.findings if found is not wrong)
    missing = msgspec.structs.replace(scan, findings=kept)
    assert (f"{place}: expected ['MFL101'], found []",) == differences(images, missing)
    moved = msgspec.structs.replace(wrong, repository="good/app")
    more = msgspec.structs.replace(scan, findings=(*scan.findings, moved))
    said = "good/app:latest: expected [], found ['MFL101']"
    assert (said,) == differences(images, more)
    first, *rest = scan.targets
    failed = msgspec.structs.replace(first, state=LookState.UNREACHABLE)
    unseen = msgspec.structs.replace(scan, targets=(failed, *rest), problems=("it is down",))
    down, line = differences(images, unseen)
    assert ("it is down", True) == (down, line.endswith(": not looked at"))
