"""A worker that gave no sign of life drops what it was at, and nothing else does."""

from __future__ import annotations

import asyncio

import pytest

from mfl_lint.core.errors import StoreError
from mfl_lint.store.pulse import Pulse


async def _for_ever() -> None:
    await asyncio.Event().wait()


async def test_a_job_is_dropped_when_the_last_sign_of_life_is_too_long_ago() -> None:
    pulse = Pulse(60.0)
    now = asyncio.get_running_loop().time()
    doing = asyncio.create_task(pulse.during(_for_ever()))
    await asyncio.sleep(0)
    pulse.beat(now)
    pulse.beat(now - 59.9)
    with pytest.raises(StoreError, match="gave no sign of life"):
        await doing


async def test_a_job_that_is_cancelled_is_cancelled() -> None:
    doing = asyncio.create_task(Pulse(60.0).during(_for_ever()))
    await asyncio.sleep(0)
    doing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await doing


async def test_a_job_ends_as_its_work_does() -> None:
    async def broken() -> None:
        raise ValueError("odd")

    with pytest.raises(ValueError, match="odd"):
        await Pulse(60.0).during(broken())
    assert await Pulse(60.0).during(asyncio.sleep(0)) is None  # type: ignore[func-returns-value]
