"""Answers that take for ever, and clocks that are wrong."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any, Final

import pytest

from mfl_lint.config import HttpConfig
from mfl_lint.core.observation import LookState
from mfl_lint.store.engine import open_store
from tests import wire_faults
from tests.crawl.harm import DAY_S, GOOD, WRONG, behind_tokens, unharmed, with_a_finding
from tests.crawl.world import World, made_world
from tests.fault_registry import AT_CHILD, AT_INDEX, AT_TOKEN, Behaviour, FaultRegistry
from tests.token_server import TokenServer

PLACES: Final = {"token": AT_TOKEN, "index": AT_INDEX, "child": AT_CHILD}
DRIP: Final = "a byte every 200 ms"
SLOW: Final[dict[str, Behaviour]] = {
    DRIP: wire_faults.drip(0.2),
    "headers without end": wire_faults.endless_headers(0.01),
    "long headers without end": wire_faults.endless_headers(0.0, 8000),
    "silence": wire_faults.silent(),
}
ISSUED: Final = ["2099-01-01T00:00:00Z", "1999-01-01T00:00:00Z", "soon", -1, None]


@pytest.mark.parametrize("name", SLOW)
@pytest.mark.parametrize("place", PLACES)
async def test_a_slow_answer_is_over_at_the_total_timeout(
    fault_registry: FaultRegistry, sqlite_url: str, place: str, name: str
) -> None:
    http = HttpConfig(timeout_s=0.5, retries=1)
    async with open_store(sqlite_url) as store, made_world(fault_registry, store, http) as world:
        await behind_tokens(world, TokenServer())
        world.place("app", GOOD, "v1")
        fault = world.registry.fault(("GET", PLACES[place][1]), SLOW[name])
        async with asyncio.timeout(20):
            await world.crawl()
            scan = await world.scan("app", "v1")
        assert fault.met
        assert ([], ()) == (await world.found(), scan.findings)
        (target,) = scan.targets
        states = {target.state} if place != "child" else {x.state for x in target.platforms}
        assert LookState.VERIFIED not in states
        tags = await world.tags("app")
        assert not any(state.complete for state in tags.values())


@pytest.mark.parametrize("name", SLOW)
@pytest.mark.parametrize("place", PLACES)
async def test_a_registry_that_becomes_slow_changes_no_finding(
    fault_registry: FaultRegistry, sqlite_url: str, place: str, name: str
) -> None:
    http = HttpConfig(timeout_s=0.5, retries=0)
    async with open_store(sqlite_url) as store, made_world(fault_registry, store, http) as world:
        tokens = TokenServer()
        await behind_tokens(world, tokens)
        await with_a_finding(world)
        async with unharmed(world):
            tokens.revoke()
            world.registry.fault(PLACES[place], SLOW[name])
            async with asyncio.timeout(20):
                await world.crawl(2 * DAY_S)
            # Of what is known only a HEAD is asked for, which has no body to drip.
            if place == "token" or (place == "index" and name != DRIP):
                assert LookState.VERIFIED is not (await world.tag("app", "bad")).look


@pytest.mark.parametrize("offset_s", [-DAY_S, DAY_S])
@pytest.mark.parametrize("extra", [{}, *({"issued_at": issued} for issued in ISSUED)])
async def test_a_wrong_clock_costs_one_token_more_at_most(
    world: World, offset_s: float, extra: dict[str, Any]
) -> None:
    tokens = TokenServer(clock=lambda: world.clock.wall() + offset_s)
    tokens.extra = extra
    await behind_tokens(world, tokens)
    for number in range(30):
        world.place("app", WRONG, f"v{number}")
    await world.crawl()
    assert 30 == len(await world.found())
    asked = Counter(scope for request in tokens.requests for scope in request.scopes)
    assert {"registry:catalog:*", "repository:app:pull"} == set(asked)
    assert max(asked.values()) <= 2
    assert await world.scan("app", "v1")
    print(f"{max(asked.values())} tokens of a scope")


async def test_a_registry_to_which_every_token_is_over_is_asked_twice_and_denied(
    world: World,
) -> None:
    await with_a_finding(world)
    tokens = TokenServer(expires_in_s=-int(DAY_S))
    tokens.extra = {"expires_in": 300}
    async with unharmed(world):
        await behind_tokens(world, tokens)
        await world.crawl(2 * DAY_S)
        assert LookState.DENIED is (await world.tag("app", "bad")).look
        asked = [one for one in world.registry.requests if one.path.startswith("/v2/_catalog")]
        assert len(asked) <= 2
        assert len(tokens.requests) <= len(world.registry.requests) / 2
        await behind_tokens(world, None)
