"""What harms are tried on, and how it is shown that they changed nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from mfl_lint.store.dump import canonical_dump
from tests.builders import image, index
from tests.crawl.world import World
from tests.token_server import TokenServer, bearer_guard

DAY_S: Final = 24 * 3600.0
AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
GOOD = index(AMD64, ARM64)
WRONG = index(AMD64, image("linux", "amd64", name="b"), annotate={1: {"platform": "linux/arm64"}})


async def behind_tokens(world: World, tokens: TokenServer | None, realm: str = "") -> None:
    """Make the registry demand tokens, by the realm or its own; None for no more."""
    await world.registry.stop()
    world.registry.tokens = tokens
    world.registry._guard = bearer_guard(tokens, realm) if tokens is not None else None
    await world.registry.start()


async def with_a_finding(world: World) -> None:
    """Push a broken tag and a good one, and crawl."""
    world.place("app", WRONG, "bad")
    world.place("app", GOOD, "good")
    await world.crawl()
    assert ["app:bad MFL101"] == await world.found()


@asynccontextmanager
async def unharmed(world: World) -> AsyncIterator[None]:
    """Show that what happens within changes nothing: neither in it nor after it is over.

    Whoever enters has crawled `with_a_finding`, and crawls within; the harm is over at the end.
    """
    told, dump = await world.changes(), await canonical_dump(world.store)
    yield
    assert ["app:bad MFL101"] == await world.found()
    assert told == await world.changes()
    world.registry.heal()
    world.clock.seconds += 2 * DAY_S
    await world.crawl(2 * DAY_S)
    assert told == await world.changes()
    assert dump == await canonical_dump(world.store)
    assert (await world.tag("app", "bad")).complete
