"""What repositories say of one another."""

from __future__ import annotations

from mfl_lint.crawl.names import families
from mfl_lint.store import registries
from tests import faults
from tests.builders import image, index
from tests.crawl.world import DOCUMENTS, NAME, World
from tests.fault_registry import AT_CATALOG

AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
PPC = image("linux", "ppc64le")
GOOD = index(AMD64, ARM64)


def test_names_that_differ_by_a_platform_word_are_a_family_with_the_name_without() -> None:
    names = ("app", "app-amd64", "app-arm64", "ppc64le/app", "other-arm64", "plain")
    assert {
        "app-amd64": ("app", "app-arm64", "ppc64le/app"),
        "app-arm64": ("app", "app-amd64", "ppc64le/app"),
        "ppc64le/app": ("app", "app-amd64", "app-arm64"),
        "other-arm64": (),
    } == families(names)


def test_a_family_does_not_depend_on_the_order_of_names() -> None:
    names = ["app", "app-amd64", "app-arm64", "b-s390x", "arm32v7/b"]
    assert families(names) == families(reversed(names))


def test_on_docker_hub_an_official_image_is_the_name_without_a_namespace() -> None:
    names = ("arm64v8/nginx", "library/nginx")
    assert {"arm64v8/nginx": ("library/nginx",)} == families(names, "docker.io")
    assert {"arm64v8/nginx": ()} == families(names, "ghcr.io")


async def test_a_name_encoded_pair_is_found_once_all_names_are_known(either_world: World) -> None:
    world = either_world
    world.place("app-amd64", AMD64, "v1")
    world.place("app-ppc64le", PPC, "v1")
    world.place("ppc64le/other", PPC, "v1")
    await world.crawl()
    expected = ["app-amd64: MFL301", "app-ppc64le: MFL301", "ppc64le/other: MFL302"]
    assert expected == await world.found()
    before = await world.changes()
    await world.crawl()
    assert [] == world.asked(DOCUMENTS)
    assert before == await world.changes()


async def test_names_are_not_judged_from_half_a_catalogue(world: World) -> None:
    world.place("app-amd64", AMD64, "v1")
    world.place("app-ppc64le", PPC, "v1")
    half = faults.page(["app-amd64"], "/v2/_catalog?last=x", field="repositories")
    world.registry.fault(("GET", r"/_catalog\?n="), half)
    world.registry.fault(("GET", r"/_catalog\?last="), faults.status(500))
    await world.crawl()
    assert [] == await world.found()
    world.registry.heal()
    await world.crawl()
    assert 2 == len(await world.found(rules=("MFL301",)))


async def test_an_index_pushed_elsewhere_eases_a_name_without_a_request_for_its_tags(
    world: World,
) -> None:
    world.place("app-amd64", AMD64, "v1")
    world.place("app-arm64", ARM64, "v1")
    await world.crawl()
    world.place("app", GOOD, "v1")
    await world.crawl()
    assert ["opened", "opened", "eased", "eased"] == [
        change.split()[-1] for change in await world.changes()
    ]
    assert [] == world.asked(("GET", "/app-(amd64|arm64)/manifests/"))


async def test_a_sibling_repository_that_changes_judges_the_unchanged_one_again(
    world: World,
) -> None:
    world.place("app-arm64", AMD64, "v1")
    world.place("app-ppc64le", image("linux", "amd64", name="not yet"), "v1")
    await world.crawl()
    expected = ["app-arm64:v1 MFL304", "app-ppc64le:v1 MFL304"]
    assert expected == await world.found(rules=("MFL304",))
    world.place("app-ppc64le", PPC, "v1")
    await world.crawl()
    assert ["app-arm64:v1 MFL304"] == await world.found(rules=("MFL304",))
    worse = [change for change in await world.changes() if change.endswith("worsened")]
    assert ["v1 MFL304 worsened"] == worse
    assert [] == world.asked(("GET", "/app-arm64/manifests/"))


async def test_the_name_of_a_repository_that_is_gone_is_resolved(world: World) -> None:
    world.place("app-arm64", ARM64, "v1")
    world.place("app-amd64", AMD64, "v1")
    world.place("app", GOOD, "v1")
    await world.crawl()
    world.registry.demo.delete_repository("app-arm64")
    for _ in range(4):
        await world.crawl()
    held = await registries.repository(world.store, NAME, "app-arm64")
    assert held is not None
    assert held.gone_at is not None
    left = await world.found("open", "unknown", watched=False)
    assert ["app-amd64: MFL301", "app-arm64:v1 MFL504"] == left


async def test_a_name_resolves_even_if_the_round_in_which_it_was_gone_was_cut_short(
    world: World,
) -> None:
    world.place("app-arm64", ARM64, "v1")
    world.place("zoo", GOOD, "v1")
    await world.crawl()
    world.registry.demo.delete_repository("app-arm64")
    await world.crawl()
    await world.crawl()
    world.registry.fault(AT_CATALOG, faults.status(503))
    await world.crawl()
    named = ("MFL301",)
    assert 1 == len(await world.found("open", "unknown", rules=named))
    world.registry.heal()
    await world.crawl()
    assert [] == await world.found("open", "unknown", watched=False, rules=named)


async def test_a_look_at_one_repository_judges_its_family_and_no_other(world: World) -> None:
    for name, built in (("app-arm64", ARM64), ("app-amd64", AMD64), ("zoo-arm64", ARM64)):
        world.place(name, built, "v1")
    await world.crawl(only=["app-arm64"])
    assert ["app-arm64: MFL301"] == await world.found()
    await world.crawl()
    assert ["app-amd64: MFL301", "app-arm64: MFL301", "zoo-arm64: MFL301"] == await world.found()
