"""Tags that are not there any more: one, many, and those that somebody meant to delete."""

from __future__ import annotations

from tests import faults
from tests.builders import image, index
from tests.crawl.world import World
from tests.fault_registry import AT_CATALOG, AT_TAGS

GOOD = index(image("linux", "amd64"), image("linux", "arm64"))
WRONG = index(
    image("linux", "amd64"),
    image("linux", "amd64", name="b"),
    annotate={1: {"platform": "linux/arm64"}},
)


async def filled(world: World, tags: int = 36, repositories: int = 3) -> None:
    """Fill some repositories with broken tags, and crawl them once."""
    for number in range(tags):
        world.place(f"app{number % repositories}", WRONG, f"v{number}")
    await world.crawl()
    assert tags == len(await world.found())


async def test_a_third_of_the_tags_is_held_with_one_notice_until_somebody_says_it_was_meant(
    either_world: World,
) -> None:
    world = either_world
    await filled(world)
    opened = await world.changes()
    world.registry.demo.delete_repository("app1")
    for _ in range(2):
        progress = await world.crawl()
        assert (await world.notice()).startswith("12 of 36 tags vanished at once; they are held")
        assert "vanished" in progress.problem
    assert opened == await world.changes()
    await world.crawl()
    assert 36 == len(await world.found("open", "unknown"))
    await world.crawl(accept_vanished=True)
    assert 24 == len(await world.found())
    assert "" == await world.notice()
    assert 12 == sum(change.endswith("resolved") for change in await world.changes())


async def test_a_fifth_is_no_mass_and_neither_are_nine(world: World) -> None:
    await filled(world, 50, 5)
    for number in range(10):
        world.registry.demo.delete_manifest(f"app{number % 5}", f"v{number}")
    await world.crawl()
    assert "" == await world.notice()
    await world.crawl()
    assert 40 == len(await world.found(rules=("MFL101",)))
    for repository in range(1, 5):
        world.registry.demo.delete_repository(f"app{repository}")
    for _ in range(2):
        await world.crawl()
    assert 40 == len(await world.found("open", "unknown", rules=("MFL101",)))
    assert "32 of 40 tags vanished" in await world.notice()


async def test_nine_of_ten_tags_may_go(world: World) -> None:
    await filled(world, 10, 1)
    for number in range(9):
        world.registry.demo.delete_manifest("app0", f"v{number}")
    await world.crawl()
    await world.crawl()
    assert ["app0:v9 MFL101"] == await world.found(rules=("MFL101",))
    assert 9 == len(await world.found(rules=("MFL504",)))


async def test_held_tags_that_come_back_are_as_they_were(world: World) -> None:
    await filled(world)
    world.registry.demo.delete_repository("app1")
    await world.crawl()
    for number in range(1, 36, 3):
        world.place("app1", WRONG, f"v{number}")
    await world.crawl()
    assert "" == await world.notice()
    assert 36 == len(await world.changes())
    assert 36 == len(await world.found())


async def test_a_deleted_repository_is_gone_when_its_tags_are(world: World) -> None:
    await filled(world, 3, 3)
    world.registry.demo.delete_repository("app1")
    for _ in range(3):
        await world.crawl()
    left = ["app0:v0 MFL101", "app1:v1 MFL504", "app2:v2 MFL101"]
    assert left == await world.found()
    await world.crawl()
    assert [] == world.asked(("*", "/app1/"))
    world.place("app1", WRONG, "v1")
    await world.crawl()
    assert ["app0:v0 MFL101", "app1:v1 MFL101", "app2:v2 MFL101"] == await world.found()


async def test_a_repository_that_is_only_denied_or_in_html_not_found_is_never_gone(
    world: World,
) -> None:
    await filled(world, 3, 3)
    for fault in (faults.status(401), faults.html(404), faults.status(404, b"")):
        world.registry.heal()
        world.registry.fault(("*", "/app1/"), fault)
        for _ in range(2):
            await world.crawl()
    world.registry.heal()
    await world.crawl()
    assert 3 == len(await world.found())
    assert not any(change.endswith("resolved") for change in await world.changes())


async def test_leaving_the_catalogue_is_not_being_gone(world: World) -> None:
    await filled(world, 3, 3)
    names = faults.page(["app0"], None, field="repositories")
    world.registry.fault(AT_CATALOG, names)
    for _ in range(4):
        await world.crawl()
    assert 3 == len(await world.found())
    assert 3 == len(world.asked(AT_TAGS))


async def test_a_removed_registry_and_repository_resolve_and_vanish_nothing(world: World) -> None:
    await filled(world, 3, 3)
    opened = await world.changes()
    world.change(exclude_repositories=("app1",))
    world.registry.demo.delete_repository("app1")
    for _ in range(4):
        await world.crawl()
    assert opened == await world.changes()
    assert ["app0:v0 MFL101", "app2:v2 MFL101"] == await world.found()
    assert 3 == len(await world.found(watched=False))
    world.change(name="elsewhere")
    await world.crawler().crawl("here")
    assert opened == await world.changes()
