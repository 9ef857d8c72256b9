"""Crawling a whole registry: outages, leases, and two crawlers at once."""

from __future__ import annotations

import asyncio

from mfl_lint.core.records import CrawlStatus
from mfl_lint.crawl.repository import crawl_repository
from mfl_lint.store import crawls, leases, looks, registries
from mfl_lint.store.dump import canonical_dump
from tests import faults
from tests.builders import image, index
from tests.crawl.world import NAME, World
from tests.fault_registry import AT_CATALOG, AT_MANIFEST, AT_TAGS

AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
GOOD = index(AMD64, ARM64)
WRONG = index(AMD64, image("linux", "amd64", name="b"), annotate={1: {"platform": "linux/arm64"}})
DAY_S = 24 * 3600.0


def fill(world: World, repositories: int = 6) -> None:
    for number in range(repositories):
        world.place(f"app{number}", WRONG, "v1")
        world.place(f"app{number}", GOOD, "v2")


async def test_a_registry_that_is_down_for_a_round_changes_no_finding(world: World) -> None:
    fill(world)
    world.place("app-arm64", ARM64, "v1")
    await world.crawl()
    found, told = await world.found(), await world.changes()
    await world.registry.stop()
    progress = await world.crawl(DAY_S)
    assert "could not be listed" in progress.problem
    assert progress.problem == await world.notice()
    record = await crawls.crawl(world.store, progress.crawl_id)
    assert record is not None
    assert CrawlStatus.FAILED is record.status
    assert (found, told) == (await world.found(), await world.changes())
    await world.registry.start()
    await world.crawl()
    assert (found, told) == (await world.found(), await world.changes())
    assert "" == await world.notice()


async def test_a_registry_that_fails_half_way_is_noted_once_for_all(world: World) -> None:
    fill(world)
    await world.crawl()
    world.registry.fault(AT_MANIFEST, faults.status(503), skip=4)
    progress = await world.crawl(DAY_S)
    assert "repositories could not be looked at" in await world.notice()
    assert progress.problem == await world.notice()
    assert 6 == len(await world.found())


async def test_a_throttled_repository_is_asked_for_again_later(world: World) -> None:
    fill(world)
    world.registry.fault(("GET", "/app1/tags"), faults.throttled("600"), times=1)
    await world.crawl()
    asked = {
        look.repository for look in await looks.take_looks(world.store, 10, now=world.clock.now())
    }
    assert "app1" in asked


async def test_only_some_repositories_are_crawled_on_request_and_nothing_is_listed(
    world: World,
) -> None:
    fill(world)
    await world.crawl(only=["app1", "app2"])
    assert ["app1:v1 MFL101", "app2:v1 MFL101"] == await world.found()
    assert [] == world.asked(AT_CATALOG)


async def test_a_request_for_what_is_not_configured_is_not_followed(world: World) -> None:
    fill(world)
    world.change(exclude_repositories=("app1",))
    await world.crawl(only=["app1"])
    assert [] == world.asked(("*", "/app1/"))
    assert None is await registries.repository(world.store, NAME, "app1")


async def test_a_repository_that_another_crawl_holds_is_left_to_it_and_said_so(
    world: World,
) -> None:
    fill(world, 3)
    await world.crawl()
    now = world.clock.now()
    held = await leases.acquire(world.store, NAME, "app1", "elsewhere/1/1/x", 7200.0, now)
    assert held is not None
    progress = await world.crawl()
    assert "1 repository is held by another crawl" == progress.problem
    assert [] == world.asked(("*", "/app1/"))
    await leases.release(world.store, held)
    await world.crawl()
    assert 1 == len(world.asked(("GET", "/app1/tags")))


async def test_a_lease_that_ends_during_the_round_is_taken_at_its_end(world: World) -> None:
    fill(world, 3)
    await world.crawl()
    world.clock.seconds += 3600
    await leases.acquire(world.store, NAME, "app0", "elsewhere/1/1/x", 60.0, world.clock.now())

    def slow(_: object) -> None:
        world.clock.seconds += 120

    world.registry.fault(("GET", "/app2/tags"), faults.before(slow))
    progress = await world.crawl(0)
    assert "" == progress.problem
    assert 1 == len(world.asked(("GET", "/app0/tags")))


async def test_what_another_crawl_did_in_the_meantime_is_not_done_again(world: World) -> None:
    fill(world, 3)
    await world.crawl()
    world.clock.seconds += 3600
    other = world.job(holder="elsewhere/1/1/x")
    held = await leases.acquire(world.store, NAME, "app0", other.holder, 7200.0, world.clock.now())
    assert held is not None

    async def finish(_: object) -> None:
        crawl_id = (await crawls.crawls(world.store, NAME, None, 1)).items[0].id
        await crawl_repository(other, crawl_id, "app0")

    world.registry.fault(("GET", "/app2/tags"), faults.before(finish))
    await world.crawl(0)
    assert 1 == len(world.asked(("GET", "/app0/tags")))


async def test_two_crawlers_at_once_share_the_work_and_double_no_transition(
    either_world: World,
) -> None:
    world = either_world
    fill(world, 12)
    world.place("tool-amd64", AMD64, "v1")
    world.place("tool-arm64", ARM64, "v1")
    await registries.sync_registries(world.store, [world.config], world.clock.now())
    both = [world.crawler().crawl(NAME) for _ in range(2)]
    await asyncio.gather(*both)
    await asyncio.gather(*(world.crawler().crawl(NAME) for _ in range(2)))
    assert 12 == len(await world.found(rules=("MFL101",)))
    assert 2 == len(await world.found(rules=("MFL301",)))
    told = [(x.transition.fingerprint, x.transition.sequence) for x in await world.transitions()]
    assert len(set(told)) == len(told) == 14
    assert {1} == {sequence for _, sequence in told}


async def test_the_order_of_arrival_changes_nothing(world: World) -> None:
    fill(world, 8)
    await world.crawl()
    dump = await canonical_dump(world.store)
    world.registry.fault(AT_TAGS, faults.delayed(0.01), times=3)
    await world.crawl(2 * DAY_S)
    assert dump == await canonical_dump(world.store)


async def test_looks_at_single_repositories_are_no_rounds(world: World) -> None:
    fill(world, 1)
    await world.crawl()
    found = await world.found()
    world.registry.fault(AT_MANIFEST, faults.status(403))
    for _ in range(5):
        await world.crawl(DAY_S, only=["app0"])
    assert found == await world.found()
    partial = [one.partial for one in (await crawls.crawls(world.store, NAME)).items]
    assert [True] * 5 + [False] == partial
    for _ in range(3):
        assert found == await world.found()
        await world.crawl(DAY_S)
    assert ([], found) == (await world.found(), await world.found("unknown"))


async def test_a_look_at_one_repository_hides_no_interrupted_round(world: World) -> None:
    fill(world, 1)
    await world.crawl()
    world.registry.fault(AT_MANIFEST, faults.status(403))
    await world.crawl(DAY_S)
    first = await crawls.start_crawl(world.store, NAME, world.clock.now())
    await world.crawl(DAY_S, only=["app0"])
    whole = await crawls.crawls(world.store, NAME, whole=True)
    assert (first, CrawlStatus.RUNNING) == (whole.items[0].id, whole.items[0].status)
    await world.crawl(DAY_S)
    record = await crawls.crawl(world.store, first)
    assert record is not None
    assert CrawlStatus.INTERRUPTED is record.status
