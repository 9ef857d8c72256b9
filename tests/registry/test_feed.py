"""Between the event loop and the thread that reads: bounded, and never left behind."""

from __future__ import annotations

import asyncio
import threading

import pytest

from mfl_lint.registry.feed import Feed, FeedAbandoned


def threads() -> int:
    return sum(thread.name.startswith("mfl-lint-layer") for thread in threading.enumerate())


def read_all(feed: Feed[bytes]) -> bytes:
    found = b""
    while piece := feed.read(3):
        found += piece
    return found


def read_one(feed: Feed[bytes]) -> bytes:
    return feed.read(1)


async def test_all_that_is_handed_on_is_read_in_order() -> None:
    feed = Feed(read_all, drains=False)
    pieces = [bytes([number]) * number for number in range(100)]
    assert [True] * 100 == [await feed.take(piece) for piece in pieces]
    assert b"".join(pieces) == await feed.result()
    assert sum(map(len, pieces)) == feed.taken_bytes
    await feed.close()


async def test_who_hands_on_faster_than_is_read_waits() -> None:
    go, before = threading.Event(), threads()

    def late(feed: Feed[bytes]) -> bytes:
        go.wait()
        return read_all(feed)

    feed = Feed(late, drains=False)
    taken = 0

    async def hand_on() -> None:
        nonlocal taken
        for _ in range(1000):
            await feed.take(b"x")
            taken += 1

    handing = asyncio.create_task(hand_on())
    for _ in range(100):
        await asyncio.sleep(0)
    assert 8 == taken
    go.set()
    await handing
    assert b"x" * 1000 == await feed.result()
    await feed.close()
    assert before == threads()


@pytest.mark.parametrize("drains", [True, False])
async def test_what_comes_after_the_end_of_the_work_is_thrown_away(drains: bool) -> None:
    feed = Feed(read_one, drains=drains)
    await feed.take(b"abc")
    assert b"a" == await feed.result()
    assert [drains] * 100 == [await feed.take(b"more") for _ in range(100)]
    await feed.close()


async def test_what_the_work_raises_is_raised() -> None:
    def fails(feed: Feed[bytes]) -> bytes:
        raise ValueError(feed.read(1))

    feed = Feed(fails, drains=False)
    await feed.take(b"x")
    with pytest.raises(ValueError, match="x"):
        await feed.result()
    await feed.close()


async def test_the_thread_ends_with_the_one_who_hands_on() -> None:
    ended: list[type[BaseException]] = []

    def work(feed: Feed[bytes]) -> bytes:
        try:
            return read_all(feed)
        except FeedAbandoned as error:
            ended.append(type(error))
            raise

    before = threads()
    began = asyncio.Event()

    async def never_ends() -> None:
        feed = Feed(work, drains=False)
        try:
            await feed.take(b"x")
            began.set()
            await asyncio.Event().wait()
        finally:
            await feed.close()

    task = asyncio.create_task(never_ends())
    await began.wait()
    task.cancel()
    await asyncio.wait([task])
    assert (True, [FeedAbandoned], before) == (task.cancelled(), ended, threads())


async def test_a_long_calculation_can_tell_that_nobody_waits() -> None:
    started = threading.Event()

    def busy(feed: Feed[bytes]) -> bytes:
        while feed.clock() < 0.5:
            started.set()
        return b""

    before = threads()
    feed = Feed(busy, drains=False)
    await asyncio.to_thread(started.wait)
    await feed.close()
    assert (1.0, before) == (feed.clock(), threads())
