"""Tags are judged beside their siblings from what is stored."""

from __future__ import annotations

import msgspec

from mfl_lint.core.records import Batch, TagWrite
from mfl_lint.core.rule import Siblings
from mfl_lint.crawl import facts
from mfl_lint.crawl.beside import judge_beside
from mfl_lint.store import crawls, leases, observations
from tests import faults
from tests.builders import image, index, node
from tests.crawl.world import NAME, World

AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
GOOD = index(AMD64, ARM64)


async def judged(world: World, siblings: Siblings, *, everything: bool) -> list[str]:
    """Judge the repository `app` beside the siblings; return the tags that were written."""
    job = world.job()
    lease = await leases.acquire(world.store, NAME, "app", "me", 60.0, world.clock.now())
    assert lease is not None
    crawl_id = await crawls.start_crawl(world.store, NAME, world.clock.now())
    world.registry.requests.clear()
    writes = await judge_beside(job, crawl_id, lease, siblings, everything=everything)
    await leases.release(world.store, lease)
    assert [] == world.registry.requests
    return [write.state.name for write in writes]


async def test_only_rules_about_siblings_change_anything_and_no_request_is_made(
    world: World,
) -> None:
    world.place("app", AMD64, "latest", "v1-amd64")
    await world.crawl()
    assert ["app:v1-amd64 MFL303"] == await world.found()
    own = [state.summary for state in (await world.tags("app")).values() if state.summary]
    offered = [facts.summary(f"s{number}", node(GOOD)) for number in range(3)]
    names = await judged(world, Siblings(tags=(*own, *offered)), everything=True)
    assert ["latest", "v1-amd64"] == names
    assert ["app:latest MFL402", "app:v1-amd64 MFL303"] == await world.found()
    assert [] == await judged(world, Siblings(tags=()), everything=False)


async def test_a_tag_that_was_not_seen_this_time_is_left_alone(world: World) -> None:
    world.place("app", AMD64, "v1-amd64", "v2-amd64")
    await world.crawl()
    world.registry.fault(("*", "/v1-amd64$"), faults.status(403))
    await world.crawl()
    assert ["v2-amd64"] == await judged(world, Siblings(tags=()), everything=True)


async def test_what_was_left_pending_by_a_kill_is_judged_next_time(world: World) -> None:
    world.place("app", AMD64, "v1-amd64")
    await world.crawl()
    state = await world.tag("app", "v1-amd64")
    lease = await leases.acquire(world.store, NAME, "app", "me", 60.0, world.clock.now())
    assert lease is not None
    pending = msgspec.structs.replace(state, judged_hash=f"{state.judged_hash}*")
    batch = Batch(crawl_id=1, at=world.clock.now(), tags=(TagWrite(pending),))
    await observations.record(world.store, lease, batch)
    await leases.release(world.store, lease)
    await world.crawl()
    assert ["HEAD /v2/app/manifests/v1-amd64"] == world.asked(("*", "/manifests/"))
    assert not (await world.tag("app", "v1-amd64")).judged_hash.endswith("*")
