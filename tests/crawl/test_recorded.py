"""What is printed of the store."""

from __future__ import annotations

from mfl_lint.core.observation import LookState
from mfl_lint.crawl.recorded import open_findings, recorded_scan
from mfl_lint.demo.images import DEMO_POLICY, fill
from mfl_lint.service.demonstration import differences
from tests.builders import attestation, image, index
from tests.crawl.world import NAME, World

AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
GOOD = index(AMD64, ARM64, attestation(AMD64))


async def test_the_demos_images_have_the_findings_that_they_must_have(either_world: World) -> None:
    world = either_world
    images = fill(world.registry.demo)
    world.policy = DEMO_POLICY
    await world.crawl()
    scan = await recorded_scan(world.store, NAME, world.clock.now())
    assert () == differences(images, scan)
    assert len(images) == len(scan.targets)


async def test_every_watched_tag_is_printed_with_its_platforms_and_gone_ones_are_not(
    world: World,
) -> None:
    world.place("app", GOOD, *(f"v{number}" for number in range(250)))
    world.registry.demo.delete_manifest("app", ARM64.digest)
    await world.crawl()
    world.registry.demo.delete_manifest("app", "v0")
    world.change(exclude_tags=("v1",))
    await world.crawl()
    await world.crawl()
    scan = await recorded_scan(world.store, NAME, world.clock.now())
    assert 248 == len(scan.targets)
    states = {platform.platform: platform.state for platform in scan.targets[0].platforms}
    assert {"linux/amd64": LookState.VERIFIED, "linux/arm64": LookState.ABSENT} == states
    rules = [finding.rule for finding in scan.findings]
    assert (248, 1) == (rules.count("MFL201"), rules.count("MFL504"))
    assert 249 == len([item async for item in open_findings(world.store, NAME)])


async def test_the_registrys_notice_is_printed(world: World) -> None:
    world.place("app", GOOD, "v1")
    await world.crawl()
    await world.registry.stop()
    await world.crawl()
    scan = await recorded_scan(world.store, NAME, world.clock.now())
    assert (await world.notice(),) == scan.problems
    assert () == (await recorded_scan(world.store, "nowhere", world.clock.now())).targets
