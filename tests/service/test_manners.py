"""What one worker learns of a host, the others go by."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from mfl_lint.config import Config, HttpConfig, RegistryConfig, Scheme
from mfl_lint.core.errors import RateLimited, Unreachable
from mfl_lint.registry.client import RegistryClient
from mfl_lint.registry.politeness import Limits
from mfl_lint.service.manners import Manners
from mfl_lint.service.slots import Slots
from mfl_lint.store.engine import Store
from tests.builders import image, index, place
from tests.fault_registry import FaultRegistry
from tests.faults import changed_headers, throttled
from tests.servers import free_port

GOOD = index(image("linux", "amd64"), image("linux", "arm64"))


class Worker:
    """What a worker asks registries with."""

    def __init__(self, store: Store, config: Config) -> None:
        self.slots = Slots()
        self.manners = Manners(store, self.slots)
        _, registry, transport = self.slots.of(config, "here", 0)
        self.client = RegistryClient(registry, transport)


@pytest.fixture
def store(queued_store: Store) -> Store:
    return queued_store


@pytest.fixture
async def two(store: Store, fault_registry: FaultRegistry) -> AsyncIterator[tuple[Worker, Worker]]:
    place(fault_registry.demo, "app", GOOD, "v1")
    here = RegistryConfig(name="here", host=fault_registry.host)
    first, second = (Worker(store, Config(registries=(here,))) for _ in range(2))
    async with AsyncExitStack() as opened:
        for worker in (first, second):
            opened.push_async_callback(worker.slots.close)
        yield first, second


async def told(first: Worker, second: Worker) -> None:
    await first.manners.exchange()
    await second.manners.exchange()


async def test_a_host_that_asks_one_for_patience_is_asked_by_nobody(
    two: tuple[Worker, Worker], fault_registry: FaultRegistry
) -> None:
    first, second = two
    fault_registry.fault(("HEAD", "/v1"), throttled("600"))
    with pytest.raises(RateLimited):
        await first.client.head("app", "v1")
    fault_registry.heal()
    fault_registry.requests.clear()
    await told(first, second)
    with pytest.raises(RateLimited, match="deferred for") as refused:
        await second.client.head("app", "v1")
    assert refused.value.retry_after_s == pytest.approx(600, abs=60)
    assert [] == fault_registry.requests


async def test_pulls_that_are_left_to_people_are_left_by_all(
    two: tuple[Worker, Worker], fault_registry: FaultRegistry
) -> None:
    first, second = two
    left = {"RateLimit-Limit": "100;w=21600", "RateLimit-Remaining": "20;w=21600"}
    fault_registry.fault(("HEAD", "/v1"), changed_headers(left))
    await second.client.head("app", "v1")
    fault_registry.heal()
    await told(second, first)
    fault_registry.requests.clear()
    with pytest.raises(RateLimited, match="20 of 100 pulls are left"):
        await first.client.document("app", "v1")
    assert [] == fault_registry.matching("GET", "/manifests/")


async def test_who_takes_over_a_slot_keeps_the_distance_to_who_had_it(
    two: tuple[Worker, Worker],
) -> None:
    first, second = two
    share = Limits(1, 2.0)
    async with first.manners.slot("host", 0, share, again=False):
        pass
    ended = time.monotonic()
    async with first.manners.slot("host", 0, share, again=False):
        assert time.monotonic() - ended < 0.9
    ended = time.monotonic()
    async with second.manners.slot("host", 0, share, again=False):
        assert time.monotonic() - ended >= 0.8
    ended = time.monotonic()
    async with second.manners.slot("host", 0, share, again=True):
        assert time.monotonic() - ended >= 0.99


async def test_a_host_that_one_slot_finds_dead_the_workers_other_slots_leave_in_peace() -> None:
    http = HttpConfig(retries=0, breaker_failures=2)
    here = RegistryConfig(name="here", host=f"127.0.0.1:{free_port()}", scheme=Scheme.HTTP)
    slots, config = Slots(), Config(registries=(here,), http=http)
    asked = []
    for slot in range(3):
        _, registry, transport = slots.of(config, "here", slot)
        with pytest.raises(Unreachable) as failed:
            await RegistryClient(registry, transport).tags("app")
        asked.append("2 failures in a row" not in str(failed.value))
    await slots.close()
    assert [True, True, False] == asked
