"""The store says again what the registry said."""

from __future__ import annotations

import pytest

from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.observation import VERIFIED, LookState
from mfl_lint.crawl.stored import stored_observation
from mfl_lint.store.dump import canonical_dump
from tests import faults
from tests.builders import attestation, image, index
from tests.crawl.harm import DAY_S
from tests.crawl.world import NAME, World

AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
GOOD = index(AMD64, ARM64, attestation(AMD64))


async def test_a_remembered_tag_is_what_was_seen_and_costs_no_request(
    either_world: World,
) -> None:
    world = either_world
    world.place("app", GOOD, "v1")
    await world.crawl()
    world.registry.requests.clear()
    seen = await stored_observation(world.store, NAME, "app", "v1")
    assert seen is not None
    assert (GOOD.digest, True) == (seen.digest, seen.complete)
    assert [] == world.registry.requests
    assert seen.root is not None
    kinds = ["index", "image", "image", "attestation"]
    assert kinds == [str(node.kind) for node in seen.root.walk()]
    assert world.clock.now() == seen.looked_at


@pytest.mark.parametrize(
    ("code", "state"),
    [
        (404, LookState.ABSENT),
        (403, LookState.DENIED),
        (429, LookState.THROTTLED),
        (503, LookState.UNREACHABLE),
    ],
)
async def test_a_child_is_remembered_as_it_was_not_seen(
    world: World, code: int, state: LookState
) -> None:
    world.place("app", GOOD, "v1")
    world.registry.fault(("*", str(ARM64.digest)), faults.status(code))
    await world.crawl()
    seen = await stored_observation(world.store, NAME, "app", "v1")
    assert seen is not None
    assert seen.root is not None
    look = seen.root.children[1].look
    assert look is not None
    assert state is look.state
    assert "" != look.detail


async def test_of_a_config_that_could_not_be_read_that_much_is_remembered(world: World) -> None:
    world.place("app", index(AMD64), "v1")
    world.registry.fault(("GET", "/blobs/"), faults.status(404))
    await world.crawl()
    seen = await stored_observation(world.store, NAME, "app", "v1")
    assert seen is not None
    assert seen.root is not None
    look = seen.root.children[0].config_look
    assert look is not None
    assert LookState.ABSENT is look.state


@pytest.mark.parametrize("code", [404, 403, 503])
async def test_a_config_that_returned_is_remembered_and_judged_as_if_never_gone(
    either_world: World, code: int
) -> None:
    world = either_world
    other = image("linux", "amd64", name="other")
    wrong = index(AMD64, other, annotate={1: {"platform": "linux/arm64"}})
    config = digest_of(other.config)
    world.place("app", wrong, "v1", "v2")
    fault = world.registry.fault(("GET", f"/blobs/{config}"), faults.status(code))
    await world.crawl()
    await world.crawl()
    assert fault.met
    gone = ["app:v1 MFL202", "app:v2 MFL202"] if code == 404 else []
    assert gone == await world.found()
    assert await looks_at(world, config)
    world.registry.heal()
    world.clock.seconds += DAY_S
    await world.crawl()
    assert ["app:v1 MFL101", "app:v2 MFL101"] == await world.found()
    assert [] == await looks_at(world, config)
    seen = await stored_observation(world.store, NAME, "app", "v1")
    assert seen is not None
    assert seen.root is not None
    assert VERIFIED == seen.root.children[1].config_look
    await world.crawl()
    assert ["HEAD /v2/app/manifests/v1", "HEAD /v2/app/manifests/v2"] == sorted(
        world.asked(("*", "/manifests/|/blobs/"))
    )


async def looks_at(world: World, digest: Digest) -> list[str]:
    """Return what the last looks at a digest are remembered to have ended in."""
    rows = (await canonical_dump(world.store))["presence"]
    assert isinstance(rows, list)
    return [look for _, _, seen, look in rows if seen == digest]


async def test_a_config_that_one_tag_could_not_read_and_another_could_is_there(
    world: World,
) -> None:
    world.place("app", index(AMD64), "v1")
    config = digest_of(AMD64.config)
    world.registry.fault(("GET", "/blobs/"), faults.status(404))
    await world.crawl()
    assert ["absent"] == await looks_at(world, config)
    world.registry.heal()
    world.registry.demo.delete_manifest("app", "v1")
    world.place("app", index(AMD64, ARM64), "v2")
    await world.crawl()
    await world.crawl(2 * DAY_S)
    assert [] == await looks_at(world, config)


async def test_nothing_is_remembered_of_what_was_never_seen(world: World) -> None:
    world.place("app", GOOD, "v1")
    world.registry.fault(("*", "/manifests/v1"), faults.status(403))
    await world.crawl()
    for name, tag in (("app", "v1"), ("app", "v2"), ("nothing", "v1")):
        assert None is await stored_observation(world.store, NAME, name, tag)
    assert None is await stored_observation(world.store, "nowhere", "app", "v1")
