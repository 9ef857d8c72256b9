"""Work that SIGTERM breaks off as Ctrl-C does: what it has begun is written down and said."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

from mfl_lint.cli.failures import Terminated

T = TypeVar("T")


def run_broken_off(work: Coroutine[Any, Any, T]) -> T:
    """Return what the work returns; raise KeyboardInterrupt or Terminated where it is broken off.

    A second signal does not wait for what the work still has to do.
    """
    return asyncio.run(_watched(work))


async def _watched(work: Coroutine[Any, Any, T]) -> T:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    terminated = False

    def terminate() -> None:
        nonlocal terminated
        terminated = True
        if task is not None:
            task.cancel()

    # Only the main thread hears of signals.
    with contextlib.suppress(ValueError, RuntimeError, NotImplementedError):
        loop.add_signal_handler(signal.SIGTERM, terminate)
    try:
        return await work
    except asyncio.CancelledError:
        if terminated:
            raise Terminated from None
        raise
    finally:
        with contextlib.suppress(ValueError, RuntimeError, NotImplementedError):
            loop.remove_signal_handler(signal.SIGTERM)


@contextmanager
def at_a_prompt() -> Iterator[None]:
    """Let a signal end a question at once: the loop hears of none while somebody is asked."""
    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
        signal.SIGTERM: signal.signal(signal.SIGTERM, _terminated),
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _terminated(number: int, frame: FrameType | None) -> None:
    raise Terminated
