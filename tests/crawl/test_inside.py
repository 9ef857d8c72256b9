"""Crawling a registry whose layers are read: once ever, and never a finding for a failure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from mfl_lint.config import DeepConfig
from mfl_lint.core.digest import digest_of
from mfl_lint.core.observation import Observation
from mfl_lint.core.reference import Reference
from mfl_lint.core.scan import Scan
from mfl_lint.crawl.inside import StoreMemory, look_inside
from mfl_lint.crawl.scan import Asked, scan
from mfl_lint.registry.client import RegistryClient
from mfl_lint.registry.deep import DeepReader
from mfl_lint.registry.layer_memory import RunMemory
from mfl_lint.registry.observe import observe
from mfl_lint.rules import discover
from mfl_lint.store.layers import read_layers
from tests import faults
from tests.builders import Layer, image, index, place
from tests.crawl.world import DOCUMENTS, NAME, World
from tests.fault_registry import FaultRegistry
from tests.programs import elf, exe, file, packed, summary, tar

DAY_S = 24 * 3600.0
RULE = "MFL601"


def layer(*files: tuple[str, bytes | str | None, int]) -> Layer:
    raw = packed(tar(*files), "gzip")
    return Layer(raw, digest_of(raw))


TOP = layer(exe("app/hello", elf("amd64")))
BASE = layer(file("etc/passwd"))
RIGHT = image("linux", "amd64", layers=[BASE, TOP])
WRONG = image("linux", "arm64", layers=[BASE, layer(exe("app/hello", elf("amd64", padding=1)))])
BROKEN = index(RIGHT, WRONG)
AT_TOP = ("GET", f"/blobs/{digest_of(TOP.raw)}")


@pytest.fixture
def deep(world: World) -> World:
    """Return a world whose registry is looked into."""
    world.change(deep=True)
    return world


async def test_what_is_inside_is_found_on_both_databases(either_world: World) -> None:
    either_world.change(deep=True)
    either_world.place("app", BROKEN, "v1")
    await either_world.crawl()
    assert [f"app:v1 {RULE}"] == await either_world.found()
    read = await read_layers(
        either_world.store, [digest_of(TOP.raw)], tried_after=either_world.clock.now()
    )
    assert ["app/hello"] == [member.path for member in read[digest_of(TOP.raw)].members]


async def test_without_deep_no_layer_is_asked_for(world: World) -> None:
    world.place("app", BROKEN, "v1")
    await world.crawl()
    assert ([], 0) == (await world.found(), world.registry.count(*AT_TOP))


async def test_a_layer_is_read_once_ever(deep: World) -> None:
    deep.place("app", BROKEN, "v1")
    await deep.crawl()
    assert 1 == deep.registry.count(*AT_TOP)
    deep.place("app", RIGHT, "v2")
    deep.place("other", BROKEN, "v1")
    deep.change_policy(windows_builds=("10.0.20348",))
    await deep.crawl(DAY_S * 30)
    assert 0 == deep.registry.count(*AT_TOP)
    assert [f"app:v1 {RULE}", f"other:v1 {RULE}"] == await deep.found()


async def test_an_unchanged_tag_costs_one_head(deep: World) -> None:
    deep.place("app", BROKEN, "v1")
    await deep.crawl()
    await deep.crawl()
    assert [] == deep.asked(DOCUMENTS)
    assert 1 == deep.registry.count("HEAD")


async def test_to_look_inside_from_now_on_needs_no_new_push(world: World) -> None:
    world.place("app", BROKEN, "v1")
    await world.crawl()
    world.change(deep=True)
    await world.crawl()
    assert [f"app:v1 {RULE}"] == await world.found()


async def test_a_layer_that_fails_resolves_nothing_and_is_tried_in_the_next_round(
    deep: World,
) -> None:
    deep.place("app", BROKEN, "v1")
    await deep.crawl()
    program = layer(exe("app/hello", elf("arm64")))
    fixed = index(RIGHT, image("linux", "arm64", layers=[BASE, program]))
    deep.place("app", fixed, "v1")
    at = ("GET", f"/blobs/{digest_of(program.raw)}")
    fault = deep.registry.fault(at, faults.status(403))
    for _ in range(2):
        await deep.crawl()
        assert (1, [f"app:v1 {RULE}"]) == (deep.registry.count(*at), await deep.found())
    deep.registry.heal()
    await deep.crawl()
    assert ([], 2) == (await deep.found(), fault.met)
    assert [f"v1 {RULE} opened", f"v1 {RULE} resolved"] == await deep.changes()


async def test_a_failure_at_first_sight_opens_nothing(deep: World) -> None:
    deep.place("app", BROKEN, "v1")
    layers = "|".join(digest_of(raw) for raw in (*RIGHT.layers, *WRONG.layers))
    deep.registry.fault(("GET", layers), faults.flipped(30))
    await deep.crawl()
    assert [] == await deep.found()


async def test_a_layer_that_is_damaged_for_good_is_fetched_again_after_a_week(
    deep: World,
) -> None:
    raw = packed(tar(exe("app/hello", elf("amd64"))), "gzip")[:-20]
    deep.place("app", image(layers=[Layer(raw, digest_of(raw))]), "v1")
    asked = []
    for days in (0, 1, 5, 2):
        await deep.crawl(days * DAY_S + 60)
        asked.append(deep.registry.count("GET", digest_of(raw)))
    assert [1, 0, 0, 1] == asked
    assert [] == await deep.found()


async def test_progress_counts_the_layers(deep: World) -> None:
    deep.place("app", BROKEN, "v1")
    assert 2 == (await deep.crawl()).layers


async def test_a_crawl_that_is_broken_off_goes_on_without_reading_again(deep: World) -> None:
    for number in range(3):
        deep.place(f"app{number}", BROKEN, "v1")
    held = asyncio.Event()
    wrong = WRONG.layers[1]
    deep.registry.fault(("GET", digest_of(wrong)), faults.held(held))
    crawling = asyncio.create_task(deep.crawl())
    memory = StoreMemory(deep.store, deep.clock.now)
    while await memory.recall(digest_of(TOP.raw)) is None:
        await deep.registry.arrived(len(deep.registry.requests))
        await asyncio.sleep(0)
    crawling.cancel()
    await asyncio.wait([crawling])
    held.set()
    deep.registry.heal()
    await deep.crawl()
    assert 0 == deep.registry.count(*AT_TOP)
    assert [f"app{number}:v1 {RULE}" for number in range(3)] == await deep.found()


async def test_the_lease_is_renewed_while_a_layer_is_read(
    deep: World, fault_registry: FaultRegistry
) -> None:
    place(fault_registry.demo, "app", RIGHT, "v1")
    held, renewed = asyncio.Event(), asyncio.Semaphore(0)
    fault_registry.fault(AT_TOP, faults.held(held))
    deep.change_settings(lease_s=0.02)
    memory = StoreMemory(deep.store, deep.clock.now)
    job = replace(deep.job(), inside=DeepReader(memory, DeepConfig()))
    async with asyncio.timeout(10):
        reference = Reference(deep.config.host, "app", "v1")
        seen = await observe(job.source, NAME, reference, now=deep.clock.now)

        async def renew() -> None:
            renewed.release()

        looking = asyncio.create_task(look_inside(job, job.source, seen, renew))
        for _ in range(3):
            await renewed.acquire()
        held.set()
        looked = await looking
    assert isinstance(looked, Observation)


async def test_what_was_read_is_kept_for_good(deep: World) -> None:
    read = summary(exe("x", b""))
    memory = StoreMemory(deep.store, deep.clock.now)
    await memory.keep([read])
    deep.clock.seconds += timedelta(days=365).total_seconds()
    assert read == await memory.recall(read.digest)


async def scanned(world: World) -> Scan:
    """Return a scan of one tag that was asked to read layers."""
    source = RegistryClient(world.config, world.transport)

    async def groups() -> AsyncIterator[Asked]:
        yield Asked(source, world.config, (Reference(world.config.host, "app", "v1"),))

    return await scan(
        groups(),
        rules=discover(),
        policy=world.policy,
        now=world.clock.now,
        inside=DeepReader(RunMemory(), DeepConfig()),
        deep=True,
    )


async def test_a_scan_looks_inside_where_it_is_asked_to(world: World) -> None:
    world.place("app", BROKEN, "v1")
    made = await scanned(world)
    assert ([RULE], True) == ([finding.rule for finding in made.findings], made.looked)
    assert [] == [finding.rule for finding in (await world.scan("app", "v1")).findings]


async def test_a_scan_that_could_not_read_a_layer_did_not_look(world: World) -> None:
    world.place("app", BROKEN, "v1")
    world.registry.fault(AT_TOP, faults.status(403))
    made = await scanned(world)
    assert not made.looked
    open_rules = [verdict.rule for verdict in made.targets[0].undecided]
    assert RULE in open_rules
    assert {"MFL601", "MFL602", "MFL605"} >= set(open_rules)


async def test_an_image_that_starts_nothing_was_looked_at(world: World) -> None:
    world.place("app", image(layers=[BASE], config={"config": {}}), "v1")
    made = await scanned(world)
    assert ([], True) == ([*made.findings], made.looked)
