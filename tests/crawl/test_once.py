"""One GET for each digest, and failures that are nobody else's."""

from __future__ import annotations

import asyncio

import pytest

from mfl_lint.core.digest import digest_of
from mfl_lint.core.errors import RegistryError
from mfl_lint.crawl.once import OnceSource
from tests import faults
from tests.builders import image, index
from tests.crawl.world import World
from tests.fault_registry import AT_BLOB, AT_INDEX

ARM64 = image("linux", "arm64")
GOOD = index(image("linux", "amd64"), ARM64)
OTHER = index(ARM64)


async def read(source: OnceSource, tag: str) -> str:
    await source.head("app", tag)
    return (await source.document("app", tag)).digest


async def test_tags_of_one_digest_share_one_get(world: World) -> None:
    world.place("app", GOOD, "a", "b", "c")
    source = OnceSource(world.job().source)
    digests = await asyncio.gather(*(read(source, tag) for tag in "abc"))
    assert [GOOD.digest] * 3 == digests
    assert 1 == world.registry.count("GET", AT_INDEX[1])


async def test_the_failure_of_one_tag_is_not_anothers(world: World) -> None:
    world.place("app", GOOD, "a", "b")
    world.registry.fault(("GET", "/a$"), faults.status(404))
    source = OnceSource(world.job().source)
    found = await asyncio.gather(*(read(source, tag) for tag in "ab"), return_exceptions=True)
    assert isinstance(found[0], RegistryError)
    assert GOOD.digest == found[1]


async def test_a_tag_that_moved_before_its_get_is_not_anothers(world: World) -> None:
    world.place("app", GOOD, "a", "b")
    source = OnceSource(world.job().source)
    for tag in "ab":
        await source.head("app", tag)
    world.place("app", OTHER, "a")
    assert OTHER.digest == (await source.document("app", "a")).digest
    assert GOOD.digest == (await source.document("app", "b")).digest


async def test_a_blob_and_a_presence_are_asked_for_once(world: World) -> None:
    world.place("app", GOOD, "a")
    source = OnceSource(world.job().source)
    config = index(ARM64).children[0].blobs[0]
    for _ in range(3):
        await source.blob("app", digest_of(config), 1 << 20)
        await source.head("app", ARM64.digest)
    assert 1 == world.registry.count("GET", AT_BLOB[1])
    assert 1 == world.registry.count("HEAD", str(ARM64.digest))


async def test_whoever_waits_for_a_call_that_is_cancelled_asks_again(world: World) -> None:
    world.place("app", GOOD, "a", "b")
    held = asyncio.Event()
    world.registry.fault(("GET", "/a$"), faults.held(held))
    source = OnceSource(world.job().source)
    first = asyncio.create_task(read(source, "a"))
    while not world.registry.count("GET", "/a$"):
        await world.registry.arrived(len(world.registry.requests) + 1)
    second = asyncio.create_task(read(source, "b"))
    await world.registry.arrived(len(world.registry.requests) + 1)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert GOOD.digest == await second
    held.set()
