"""Looking and judging without a database."""

from __future__ import annotations

from mfl_lint.core.observation import LookState
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Requirement
from tests import faults
from tests.builders import image, index
from tests.crawl.world import World
from tests.fault_registry import AT_CHILD, AT_INDEX

AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
GOOD = index(AMD64, ARM64)
WRONG = index(AMD64, image("linux", "amd64", name="b"), annotate={1: {"platform": "linux/arm64"}})


async def test_a_scan_always_looks_at_presence(world: World) -> None:
    world.place("app", GOOD, "v1")
    assert () == (await world.scan("app", "v1")).findings
    world.registry.demo.delete_manifest("app", ARM64.digest)
    scan = await world.scan("app", "v1")
    assert ["MFL201"] == [finding.rule for finding in scan.findings]


async def test_a_scan_finds_what_a_crawl_finds_under_the_same_fingerprints(world: World) -> None:
    world.place("app", WRONG, "v1")
    world.place("app", index(ARM64, ARM64), "v2")
    world.place("app", AMD64, "v3-amd64")
    await world.crawl()
    crawled = {item.finding.fingerprint for item in await world.transitions()}
    tags = ("v1", "v2", "v3-amd64")
    world.change(name="here")
    scan = await world.scan("app", *tags, all_tags=True, repositories=("app",))
    assert crawled == {finding.fingerprint for finding in scan.findings}


async def test_a_required_platform_is_missed_at_once(world: World) -> None:
    world.change_policy(
        requirements=(Requirement((Platform("linux", "s390x"),)),), settle_s=6 * 3600.0
    )
    world.place("app", GOOD, "v1")
    scan = await world.scan("app", "v1")
    assert ["MFL401"] == [finding.rule for finding in scan.findings]


async def test_the_order_of_arrival_changes_nothing(world: World) -> None:
    for number in range(6):
        world.place("app", WRONG if number % 2 else GOOD, f"v{number}")
    tags = [f"v{number}" for number in range(6)]
    first = await world.scan("app", *tags)
    world.registry.fault(AT_INDEX, faults.delayed(0.05), times=3)
    world.registry.fault(AT_CHILD, faults.delayed(0.03), times=5)
    second = await world.scan("app", *reversed(tags))
    assert first.findings == second.findings
    assert 3 == len(first.findings)


async def test_a_registry_that_is_down_is_unreachable_and_nothing_is_found(world: World) -> None:
    world.place("app", WRONG, "v1")
    await world.registry.stop()
    scan = await world.scan("app", "v1")
    assert (LookState.UNREACHABLE, ()) == (scan.targets[0].state, scan.findings)


async def test_of_a_tag_that_is_not_there_that_is_said(world: World) -> None:
    world.place("app", WRONG, "v1")
    scan = await world.scan("app", "v2")
    assert (LookState.ABSENT, ()) == (scan.targets[0].state, scan.findings)
