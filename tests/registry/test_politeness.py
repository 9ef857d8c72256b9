import asyncio

import pytest

from mfl_lint.config import HttpConfig, RegistryConfig
from mfl_lint.core.errors import RateLimited, Unreachable
from mfl_lint.registry.circuit import Circuit
from mfl_lint.registry.politeness import Flights, Host, Limits, Slots, limits_of
from tests.stub_server import FakeTime


def host(time: FakeTime, limits: Limits | None = None) -> Host:
    http = HttpConfig(breaker_failures=3, breaker_pause_s=60)
    circuit = Circuit("h", http, time.clock)
    return Host("h", limits or Limits(16, 0.0), circuit, time.clock, time.sleep)


@pytest.mark.parametrize(
    ("registry", "expected"),
    [
        (RegistryConfig("r", "a.example"), Limits(3, 5.0)),
        (RegistryConfig("r", "127.0.0.1:5000"), Limits(32, 0.0)),
        (RegistryConfig("r", "a.example", own=True), Limits(32, 0.0)),
        (RegistryConfig("r", "a.example", concurrency=7, rate=0.0), Limits(7, 0.0)),
        (RegistryConfig("r", "localhost", concurrency=0), Limits(1, 0.0)),
    ],
)
def test_limits_go_by_the_kind_of_host_unless_configured(
    registry: RegistryConfig, expected: Limits
) -> None:
    assert expected == limits_of(registry)


async def test_no_more_requests_are_under_way_than_there_are_slots() -> None:
    time, at_once, peak = FakeTime(), 0, 0
    shared = host(time, Limits(3, 0.0))

    async def ask() -> None:
        nonlocal at_once, peak
        await shared.enter()
        at_once += 1
        peak = max(peak, at_once)
        await asyncio.sleep(0)
        at_once -= 1
        shared.leave(True)

    await asyncio.gather(*(ask() for _ in range(20)))
    assert 3 == peak
    assert [] == time.slept


@pytest.mark.parametrize("rate", [5.0, 0.5, 2.0])
async def test_no_window_sees_more_requests_than_the_rate(rate: float) -> None:
    time = FakeTime()
    shared = host(time, Limits(3, rate))
    began = []
    for _ in range(23):
        await shared.enter()
        began.append(time.now)
        shared.leave(True)
    many = max(1, int(rate))
    pairs = list(zip(began, began[many:], strict=False))
    assert all(later - earlier >= many / rate - 1e-9 for earlier, later in pairs)
    assert began[-1] - began[0] == pytest.approx((23 - 1) // many * many / rate)


async def test_a_long_deferral_is_refused_at_once_and_ends() -> None:
    time = FakeTime()
    shared = host(time)
    shared.defer(30)
    with pytest.raises(RateLimited) as refused:
        await shared.enter()
    assert 30 == refused.value.retry_after_s
    assert [] == time.slept
    time.now += 31
    await shared.enter()
    shared.leave(True)


async def test_a_short_deferral_is_waited_for_outside_of_a_slot() -> None:
    time = FakeTime()
    shared = host(time, Limits(1, 0.0))
    shared.defer(2)
    await shared.enter()
    assert [2] == time.slept


async def test_short_deferrals_one_after_another_are_not_waited_for_for_ever() -> None:
    time = FakeTime()

    async def sleep(seconds: float) -> None:
        time.now += seconds
        shared.defer(3)

    circuit = Circuit("h", HttpConfig(), time.clock)
    shared = Host("h", Limits(1, 0.0), circuit, time.clock, sleep)
    shared.defer(3)
    with pytest.raises(RateLimited):
        await shared.enter()


async def test_a_deferral_is_a_day_at_most_and_never_gets_shorter() -> None:
    time = FakeTime()
    shared = host(time)
    shared.defer(400 * 86400)
    shared.defer(10)
    with pytest.raises(RateLimited) as refused:
        await shared.enter()
    assert 86400 == refused.value.retry_after_s


async def test_who_waited_for_a_slot_while_the_host_was_deferred_does_not_ask() -> None:
    shared = host(FakeTime(), Limits(1, 0.0))
    await shared.enter()
    waiting = asyncio.create_task(shared.enter())
    await asyncio.sleep(0)
    shared.defer(60)
    shared.leave(True)
    with pytest.raises(RateLimited):
        await waiting


async def test_failures_in_a_row_open_the_circuit_until_one_probe_succeeds() -> None:
    time = FakeTime()
    shared = host(time)
    for _ in range(3):
        await shared.enter()
        shared.leave(False)
    with pytest.raises(Unreachable):
        await shared.enter()
    time.now += 61
    await shared.enter()
    with pytest.raises(Unreachable):
        await shared.enter()
    shared.leave(False)
    with pytest.raises(Unreachable):
        await shared.enter()
    time.now += 61
    await shared.enter()
    shared.leave(True)
    await shared.enter()
    await shared.enter()


async def test_an_answer_between_failures_keeps_the_circuit_closed() -> None:
    shared = host(FakeTime())
    for connected in (False, False, True, False, False, False):
        await shared.enter()
        shared.leave(connected)
    with pytest.raises(Unreachable):  # three in a row now, and not before
        await shared.enter()


async def test_a_cancelled_probe_lets_another_one_through() -> None:
    time = FakeTime()
    shared = host(time)
    for _ in range(3):
        await shared.enter()
        shared.leave(False)
    time.now += 61
    await shared.enter()
    with pytest.raises(Unreachable):  # one probe at a time
        await shared.enter()
    shared.leave(None)
    await shared.enter()


async def test_identical_requests_in_flight_are_one_and_all_get_its_result() -> None:
    flights, release, started = Flights(), asyncio.Event(), 0

    async def start() -> str:
        nonlocal started
        started += 1
        await release.wait()
        return "answer"

    asking = [asyncio.create_task(flights.join("key", start)) for _ in range(10)]
    await asyncio.sleep(0)
    release.set()
    assert ["answer"] * 10 == await asyncio.gather(*asking)
    assert 1 == started
    assert "answer" == await flights.join("key", start)
    assert 2 == started


async def test_all_who_wait_get_the_failure() -> None:
    flights = Flights()

    async def start() -> None:
        await asyncio.sleep(0)
        raise Unreachable("down")

    asking = [asyncio.create_task(flights.join("key", start)) for _ in range(3)]
    ended = await asyncio.gather(*asking, return_exceptions=True)
    assert ["down"] * 3 == [str(error) for error in ended]


@pytest.mark.parametrize("cancelled", [0, 1, 2])
async def test_a_cancelled_caller_takes_nobody_with_it(cancelled: int) -> None:
    flights, release, started = Flights(), asyncio.Event(), 0

    async def start() -> str:
        nonlocal started
        started += 1
        await release.wait()
        return "answer"

    asking = [asyncio.create_task(flights.join("key", start)) for _ in range(3)]
    await asyncio.sleep(0)
    asking[cancelled].cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    release.set()
    ended = await asyncio.gather(*asking, return_exceptions=True)
    assert 2 == ended.count("answer")
    assert isinstance(ended[cancelled], asyncio.CancelledError)
    assert (2 if cancelled == 0 else 1) == started


async def test_only_slots_that_are_free_are_lent_and_some_always_stay() -> None:
    made = host(FakeTime(), Limits(8, 0.0))
    await made.enter()
    async with made.lent(100, 2) as lent, made.lent(100, 2) as more:
        assert (6, 0) == (lent, more)
        await made.enter()
        made.leave(None)
    async with made.lent(3, 2) as lent:
        assert 3 == lent
    made.leave(None)


async def test_who_is_in_a_hurry_goes_before_all_who_wait() -> None:
    slots, came = Slots(1), list[str]()

    async def ask(name: str, *, hurried: bool) -> None:
        await slots.acquire(hurried=hurried)
        came.append(name)
        await asyncio.sleep(0)
        slots.release()

    await slots.acquire()
    assert slots.locked()
    tasks = [
        asyncio.create_task(ask(name, hurried=name.startswith("look")))
        for name in ("crawl 1", "crawl 2", "look 1", "crawl 3", "look 2")
    ]
    await asyncio.sleep(0)
    slots.release()
    await asyncio.gather(*tasks)
    assert ["look 1", "look 2", "crawl 1", "crawl 2", "crawl 3"] == came
    assert not slots.locked()


async def test_many_in_a_hurry_do_not_stop_the_others() -> None:
    slots, came = Slots(1), list[str]()

    async def ask(name: str) -> None:
        await slots.acquire(hurried=name == "look")
        came.append(name)
        slots.release()

    await slots.acquire()
    names = ["crawl"] * 3 + ["look"] * 9
    tasks = [asyncio.create_task(ask(name)) for name in names]
    await asyncio.sleep(0)
    slots.release()
    await asyncio.gather(*tasks)
    assert (["look"] * 3 + ["crawl"]) * 3 == came


async def test_who_gives_up_waiting_takes_no_slot_with_them() -> None:
    slots = Slots(1)
    await slots.acquire()
    waiting = [asyncio.create_task(slots.acquire(hurried=odd)) for odd in (True, False, True)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    slots.release()  # past the one that gave up, to the third
    waiting[2].cancel()  # it has the slot already, and gives it on
    await asyncio.gather(*waiting, return_exceptions=True)
    assert [True, False, True] == [one.cancelled() for one in waiting]
    slots.release()
    assert not slots.locked()


async def test_who_asks_one_thing_at_a_time_counts_a_window_from_the_answer() -> None:
    time = FakeTime()
    shared = host(time, Limits(1, 2.0))
    began = []
    for _ in range(6):
        await shared.enter()
        began.append(time.now)
        await time.sleep(0.25)
        shared.leave(True)
    # Two begin in a second, and the next one a second after the first one's answer.
    assert [0.0, 0.25, 1.25, 1.5, 2.5, 2.75] == [moment - began[0] for moment in began]
