"""Looks at single tags: what they ask for, what they find, and whom they disturb."""

from __future__ import annotations

import asyncio

import pytest

from mfl_lint.core.observation import LookState
from mfl_lint.crawl.repository import SLICE
from mfl_lint.store import leases, looks
from tests import faults
from tests.builders import image, index
from tests.crawl.world import HEADS, NAME, ROUND_S, World
from tests.fault_registry import AT_MANIFEST, AT_TAGS, Behaviour

AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
GOOD = index(AMD64, ARM64)
WRONG = index(AMD64, image("linux", "amd64", name="b"), annotate={1: {"platform": "linux/arm64"}})


BESIDE = ("MFL301", "MFL302", "MFL303", "MFL304", "MFL402", "MFL403")


async def test_one_tag_is_looked_at_without_a_listing_and_without_its_siblings(
    either_world: World,
) -> None:
    world = either_world
    world.place("app", GOOD, "v1", "v2")
    await world.crawl()
    world.place("app", WRONG, "v2", "v3")
    result = await world.look("app", "v2")
    assert result is not None
    assert (LookState.VERIFIED, 1, 1, 1) == (
        result.look,
        result.tags,
        result.looked,
        result.opened,
    )
    assert ["app:v2 MFL101"] == await world.found()
    paths = [one.path for one in world.registry.requests]
    assert [] == [path for path in paths if "list" in path or path.endswith("v1")]
    await world.look("app", "v2")
    assert ["/v2/app/manifests/v2"] == [x.path for x in world.registry.requests if "app" in x.path]
    assert ["app:v2 MFL101"] == await world.found()


async def test_a_tag_that_nobody_saw_before_is_found_by_its_name_alone(world: World) -> None:
    world.place("app", WRONG, "v1")
    assert await world.look("app", "v1", "v2")
    assert ["app:v1 MFL101"] == await world.found()
    assert ["v1"] == list(await world.tags("app"))


async def test_siblings_are_judged_as_by_a_crawl_of_all_of_the_repository(world: World) -> None:
    world.place("app", GOOD, "v1", "latest")
    await world.crawl()
    for name, expected in (("latest", ["app:latest MFL403"]), ("v1", [])):
        # What is not looked at is judged again too, where it stands beside another tag now.
        world.place("app", AMD64, name)
        await world.look("app", name)
        assert expected == await world.found(rules=BESIDE)
        await world.crawl()
        assert expected == await world.found(rules=BESIDE)


async def test_siblings_that_nobody_listed_yet_are_judged_by_the_crawl(world: World) -> None:
    world.place("app", GOOD, "v1")
    world.place("app", AMD64, "latest")
    await world.look("app", "latest")
    assert "app:latest MFL403" not in await world.found()
    await world.crawl()
    assert "app:latest MFL403" in await world.found()


async def test_siblings_in_other_repositories_are_judged_too(world: World) -> None:
    world.place("app", GOOD, "v1")
    world.place("app-arm64", ARM64, "v1")
    await world.crawl()
    before = await world.found(rules=BESIDE)
    world.place("app-arm64", AMD64, "v1")
    await world.look("app-arm64", "v1")
    after = await world.found(rules=BESIDE)
    assert before != after
    await world.crawl()
    assert after == await world.found(rules=BESIDE)


async def test_a_tag_outside_the_configuration_is_not_looked_at(world: World) -> None:
    world.change(tags=("v*",), newest=1)
    world.place("app", WRONG, "v1", "v2", "edge")
    await world.crawl()
    for tag in ("edge", "v1"):
        assert await world.look("app", tag)
        assert [] == world.asked(HEADS)
    assert ["app:v2 MFL101"] == await world.found()


async def test_a_404_of_one_look_resolves_nothing_and_only_rounds_confirm_it(world: World) -> None:
    for number in range(12):
        world.place("app", WRONG, f"v{number}")
    await world.crawl()
    found = await world.found()
    world.registry.demo.delete_manifest("app", "v0")
    for _ in range(5):
        world.clock.seconds += ROUND_S
        await world.look("app", "v0")
    assert found == await world.found()
    await world.crawl()
    await world.crawl()
    assert "app:v0 MFL101" not in await world.found()


@pytest.mark.parametrize(
    ("fault", "look"),
    [(faults.status(403), LookState.DENIED), (faults.status(500), LookState.UNREACHABLE)],
    ids=["denied", "unreachable"],
)
async def test_a_look_that_fails_says_so_and_changes_no_finding(
    world: World, fault: Behaviour, look: LookState
) -> None:
    world.place("app", WRONG, "v1")
    await world.crawl()
    world.registry.fault(AT_MANIFEST, fault)
    for _ in range(5):
        result = await world.look("app", "v1", "new")
        assert result is not None
        assert look is result.look
    assert ["app:v1 MFL101"] == await world.found()


async def test_a_repository_that_is_crawled_is_left_to_whoever_crawls_it(world: World) -> None:
    world.place("app", WRONG, "v1")
    await world.crawl()
    world.registry.requests.clear()
    lease = await leases.acquire(world.store, NAME, "app", "other", 60.0, world.clock.now())
    assert lease is not None
    assert await leases.is_held(world.store, NAME, "app", world.clock.now())
    assert await world.look("app", "v1") is None
    assert [] == world.registry.requests
    # And the other way round: nothing of whoever has it is lost.
    await leases.renew(world.store, lease, 60.0, world.clock.now())
    await leases.release(world.store, lease)
    assert not await leases.is_held(world.store, NAME, "app", world.clock.now())
    assert await world.look("app", "v1")


async def test_a_look_beside_a_crawl_of_the_same_repository_breaks_neither(world: World) -> None:
    for number in range(30):
        world.place("app", WRONG, f"v{number}")
    crawl = asyncio.create_task(world.crawl())
    looked = 0
    while not crawl.done():
        looked += await world.look("app", "v7") is not None
        await asyncio.sleep(0)
    progress = await crawl
    assert (30, "") == (progress.tags, progress.problem)
    assert 30 == len(await world.found())
    assert 30 == len(await world.changes())


async def test_a_large_repository_is_interrupted_for_a_tag_that_is_asked_for(world: World) -> None:
    for number in range(3 * SLICE):
        world.place("app", GOOD, f"v{number:03}")
    await world.crawl()
    world.place("app", WRONG, "v299", "edge")
    for name in ("v299", "edge", "v-new"):
        await looks.request_look(world.store, NAME, "app", name, world.clock.now(), "webhook")
    world.change(tags=("v*",))
    progress = await world.crawl()
    assert 3 * SLICE == progress.tags
    heads = [path.rpartition("/")[2] for path in world.asked(("HEAD", AT_MANIFEST[1]))]
    first = heads.index("v299")
    assert SLICE <= first < SLICE + 8
    assert ["app:v299 MFL101"] == await world.found()
    assert "edge" not in heads
    assert "v-new" in heads
    assert 1 == len(world.asked(("GET", AT_TAGS[1])))
