"""What the store already knows, asked in few questions."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta

from mfl_lint.core.digest import Digest
from mfl_lint.crawl.known import StoreKnown, _Joined
from mfl_lint.store import registries
from tests.builders import image, index
from tests.crawl.world import NAME, World

AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
GOOD = index(AMD64, ARM64)


async def known_of(world: World, age_s: float) -> StoreKnown:
    held = await registries.repository(world.store, NAME, "app")
    assert held is not None
    return StoreKnown(world.store, held.id, world.clock.now() - timedelta(seconds=age_s))


async def test_questions_at_one_moment_are_one_question() -> None:
    asked: list[list[str]] = []

    async def ask(digests: Iterable[Digest]) -> dict[Digest, int]:
        asked.append(list(digests))
        return {AMD64.digest: 1}

    joined = _Joined(ask)
    answers = await asyncio.gather(
        joined.get([AMD64.digest]), joined.get([ARM64.digest, AMD64.digest]), joined.get([])
    )
    assert [{AMD64.digest: 1}, {AMD64.digest: 1}, {}] == list(answers)
    assert [sorted([AMD64.digest, ARM64.digest])] == asked
    assert {AMD64.digest: 1} == await joined.get([AMD64.digest])
    assert 2 == len(asked)


async def test_bytes_are_known_for_good_and_presence_for_a_while(world: World) -> None:
    world.place("app", GOOD, "v1")
    await world.crawl()
    looked_at = world.clock.now()
    world.clock.seconds += 3600
    known = await known_of(world, 7200)
    assert AMD64.raw == (await known.contents([AMD64.digest]))[AMD64.digest].raw
    assert {AMD64.digest} == await known.present("app", [AMD64.digest])
    assert {AMD64.digest: looked_at} == known.vouched
    old = await known_of(world, 60)
    assert frozenset() == await old.present("app", [AMD64.digest])
    assert {} == old.vouched


async def test_a_digest_that_is_missing_is_vouched_for_by_nobody(world: World) -> None:
    world.place("app", GOOD, "v1")
    world.registry.demo.delete_manifest("app", ARM64.digest)
    await world.crawl()
    known = await known_of(world, 7200)
    asked = [AMD64.digest, ARM64.digest, image(name="never").digest]
    assert {AMD64.digest} == await known.present("app", asked)
    assert {AMD64.digest} == set(await known.contents(asked))
