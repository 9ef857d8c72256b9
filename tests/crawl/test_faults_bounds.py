"""Trees without end: they are looked at within bounds, told about, and then left alone."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.manifest import MAX_ENTRIES, OCI_CONFIG, OCI_INDEX
from mfl_lint.core.truth import FindingState
from tests import faults
from tests.builders import Built, describe, document, encode, image, index
from tests.crawl.harm import AMD64, ARM64, DAY_S, GOOD, WRONG
from tests.crawl.world import World
from tests.fault_registry import AT_MANIFEST

ENDS_S: Final = 60.0
HUGE: Final = {**describe(OCI_CONFIG, b"never asked for"), "size": 9_000_000}
NOWHERE: Final[Digest] = digest_of(b"a digest that no honest document could list")


def deep() -> Built:
    built: Built = GOOD
    for _ in range(50):
        built = index(built)
    return built


def wide() -> Built:
    notes = ({"annotations": {"n": str(n)}} for n in range(10_000))
    return index(*(image("linux", "amd64", manifest=note) for note in notes))


def multiplying() -> Built:
    built: Built = AMD64
    for _ in range(3):
        built = index(*[built] * 100)
    return built


def circle() -> Built:
    entry = {**describe(OCI_INDEX, b""), "digest": NOWHERE, "size": 200}
    fields = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}
    return document(encode(fields), OCI_INDEX)


# What is found beside other things, and how many requests a look at it takes at most.
TREES: Final = {
    "50 deep": (deep, {"MFL207", "MFL209"}, 6),
    "10,000 entries": (wide, {"MFL207"}, MAX_ENTRIES + 3),
    "a million": (multiplying, {"MFL207", "MFL209"}, 6),
}


@pytest.mark.parametrize("name", TREES)
@pytest.mark.ordeal("a million")
async def test_a_tree_without_end_costs_little_is_found_and_then_costs_a_head(
    world: World, name: str
) -> None:
    build, rules, most = TREES[name]
    world.place("app", build(), "v1")
    async with asyncio.timeout(ENDS_S):
        await world.crawl()
    found, first = await world.found(), len(world.asked(("*", "/manifests/|/blobs/")))
    assert rules <= {one.partition(" ")[2] for one in found}
    assert first <= most
    state = await world.tag("app", "v1")
    assert (True, False) == (state.complete, state.unsettled)
    for _ in range(3):
        await world.crawl()
        assert ["HEAD /v2/app/manifests/v1"] == world.asked(("*", "/manifests/|/blobs/"))
    assert found == await world.found()
    world.registry.requests.clear()
    async with asyncio.timeout(ENDS_S):
        scan = await world.scan("app", "v1")
    assert rules <= {finding.rule for finding in scan.findings}
    assert len(world.registry.matching("*", "/manifests/|/blobs/")) <= most
    print(f"{first} requests, then 1")


async def test_a_finding_that_our_limits_hide_is_unknown_and_no_reason_to_walk_for_ever(
    world: World,
) -> None:
    world.place("app", WRONG, "v1")
    await world.crawl()
    assert ["app:v1 MFL101"] == await world.found()
    huge = image("linux", "amd64", manifest={"config": HUGE})
    world.place("app", index(AMD64, huge, annotate={1: {"platform": "linux/arm64"}}), "v1")
    for _ in range(5):
        await world.crawl()
    assert ["app:v1 MFL101"] == await world.found(FindingState.UNKNOWN)
    state = await world.tag("app", "v1")
    assert (True, False) == (state.complete, state.unsettled)
    assert ["HEAD /v2/app/manifests/v1"] == world.asked(AT_MANIFEST)


@pytest.mark.parametrize("what", ["the index itself", "the index above", "another"])
async def test_an_index_in_a_circle_is_a_lie_about_a_digest(world: World, what: str) -> None:
    inner = circle()
    outer = index(inner, ARM64)
    served = {"the index itself": inner, "the index above": outer, "another": AMD64}[what]
    world.place("app", inner if what == "the index itself" else outer, "v1")
    lie = faults.status(200, served.raw, headers={"Content-Type": OCI_INDEX})
    world.registry.fault(("GET|HEAD", f"/manifests/{NOWHERE}$"), lie)
    async with asyncio.timeout(ENDS_S):
        await world.crawl()
    assert "app:v1 MFL203" in await world.found()
    assert str(NOWHERE) not in await world.documents()
    assert 2 == len(world.asked(("GET", str(NOWHERE))))
    assert len(world.asked(("*", "/manifests/|/blobs/"))) <= 7
    await world.crawl()
    # Such a lie may end at any time: it is looked at again, and nothing else.
    assert len(world.asked(("*", "/manifests/|/blobs/"))) <= 4
    scan = await world.scan("app", "v1")
    assert "MFL203" in {finding.rule for finding in scan.findings}
    world.registry.heal()
    await world.crawl(2 * DAY_S)
    assert [] == await world.found(rules=("MFL203",))
    assert [] == await world.found(FindingState.UNKNOWN)
