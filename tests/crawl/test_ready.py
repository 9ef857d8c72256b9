"""Waiting, with a clock that only pauses move."""

from __future__ import annotations

from itertools import islice

from mfl_lint.core.readiness import Answer, Readiness
from mfl_lint.crawl.ready import pauses, waited


class _Clock:
    """Seconds that pass by pauses, and what was paused."""

    def __init__(self) -> None:
        self.now = 0.0
        self.paused: list[float] = []

    def read(self) -> float:
        """Return the seconds."""
        return self.now

    async def pause(self, seconds: float) -> None:
        """Let them pass."""
        self.paused.append(seconds)
        self.now += seconds


async def _waited(clock: _Clock, answers: list[Answer], wait_s: float) -> tuple[Readiness, ...]:
    waiting = iter(answers)

    async def look() -> tuple[Readiness, ...]:
        return (Readiness("app", "linux/arm64", next(waiting), ""),)

    return await waited(look, wait_s=wait_s, clock=clock.read, pause=clock.pause)


async def test_without_waiting_there_is_one_look() -> None:
    clock = _Clock()
    (found,) = await _waited(clock, [Answer.NO], 0)
    assert (Answer.NO, []) == (found.answer, clock.paused)


async def test_waiting_goes_on_until_it_is_ready_ever_more_slowly() -> None:
    clock = _Clock()
    answers = [Answer.NO, Answer.UNKNOWN, Answer.NO, Answer.YES]
    (found,) = await _waited(clock, answers, 600)
    assert (Answer.YES, [2, 4, 8]) == (found.answer, clock.paused)


async def test_waiting_ends_in_time_with_a_last_look() -> None:
    clock = _Clock()
    (found,) = await _waited(clock, [Answer.NO, Answer.NO, Answer.UNKNOWN], 5)
    assert (Answer.UNKNOWN, [2, 3]) == (found.answer, clock.paused)


def test_pauses_have_a_bound() -> None:
    assert [2, 4, 8, 16, 30, 30] == list(islice(pauses(), 6))
