"""Whether layers are there: asked for once each, remembered, and again after a day."""

from __future__ import annotations

from mfl_lint.core.digest import digest_of
from tests import faults
from tests.builders import image, index
from tests.crawl.world import World

AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
BOTH = index(AMD64, ARM64)
LAYER, CONFIG = digest_of(AMD64.layers[0]), digest_of(AMD64.config)
BLOB_HEADS = ("HEAD", "/blobs/")
DAY_S = 24 * 3600.0


async def test_layers_are_left_alone_unless_somebody_wants_to_know(world: World) -> None:
    world.place("app", BOTH, "v1")
    world.registry.demo.delete_blob("app", LAYER)
    await world.crawl()
    assert ([], []) == (await world.found(), world.asked(BLOB_HEADS))


async def test_each_layer_is_asked_for_once_a_day(either_world: World) -> None:
    world = either_world
    world.change(check_blobs=True)
    world.place("app", BOTH, "v1", "v2")
    world.place("app", index(ARM64, AMD64), "v3")
    await world.crawl()
    assert 2 == len(world.asked(BLOB_HEADS))
    await world.crawl()
    assert [] == world.asked(BLOB_HEADS)
    await world.crawl(DAY_S)
    # The configs that are kept are asked for then too.
    assert 4 == len(world.asked(BLOB_HEADS))


async def test_a_layer_that_is_gone_is_found_and_one_that_returns_resolves_it(
    either_world: World,
) -> None:
    world = either_world
    world.change(check_blobs=True)
    world.place("app", BOTH, "v1")
    await world.crawl()
    world.registry.demo.delete_blob("app", LAYER)
    await world.crawl()
    assert [] == await world.found()
    await world.crawl(DAY_S)
    assert ["app:v1 MFL202"] == await world.found()
    assert 1 == len(world.asked(("GET", f"/blobs/{LAYER}")))
    world.place("app", BOTH, "v1")
    await world.crawl(2 * DAY_S)
    assert [] == await world.found("open", "unknown")


async def test_a_config_that_is_kept_here_is_not_there_for_that(world: World) -> None:
    world.change(check_blobs=True)
    world.place("app", BOTH, "v1")
    await world.crawl()
    world.registry.demo.delete_blob("app", CONFIG)
    await world.crawl(2 * DAY_S)
    assert ["app:v1 MFL202"] == await world.found()


async def test_a_blob_that_could_not_be_looked_at_opens_and_resolves_nothing(
    world: World,
) -> None:
    world.change(check_blobs=True)
    world.place("app", BOTH, "v1")
    for fault in (faults.status(403), faults.status(503), faults.html(404)):
        world.registry.heal()
        world.registry.fault(("*", f"/blobs/{LAYER}"), fault)
        await world.crawl()
        assert [] == await world.found()
        assert (await world.tag("app", "v1")).unsettled
    world.registry.heal()
    world.registry.demo.delete_blob("app", LAYER)
    await world.crawl()
    assert ["app:v1 MFL202"] == await world.found()
    world.registry.fault(("*", f"/blobs/{LAYER}"), faults.status(503))
    await world.crawl(DAY_S)
    assert ["app:v1 MFL202"] == await world.found()


async def test_a_scan_looks_where_it_is_asked_to(world: World) -> None:
    foreign = image(
        "windows",
        "amd64",
        os_version="10.0.1.1",
        manifest={
            "layers": [
                {
                    "mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
                    "digest": f"sha256:{'a' * 64}",
                    "size": 1,
                    "urls": ["https://example.org/layer"],
                }
            ]
        },
    )
    world.place("app", BOTH, "v1")
    world.place("app", foreign, "v2")
    world.registry.demo.delete_blob("app", LAYER)
    world.change(check_blobs=True)
    scan = await world.scan("app", "v1", "v2")
    found = {(item.tag, item.rule) for item in scan.findings}
    assert {("v1", "MFL202")} == {one for one in found if one[1] == "MFL202"}
    assert [] == [path for path in world.asked(("*", "/blobs/")) if "a" * 64 in path]
