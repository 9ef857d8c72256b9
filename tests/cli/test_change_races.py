"""A list in a registry is changed while its images are deleted there."""

from __future__ import annotations

import pytest

from tests import faults
from tests.builders import image, index
from tests.cli.conftest import Command
from tests.cli.manifest_world import World
from tests.fault_registry import AT_INDEX, FaultRegistry

AMD64, ARM64, PPC, S390X = (image("linux", arch) for arch in ("amd64", "arm64", "ppc64le", "s390x"))
LIST = index(AMD64, ARM64, PPC)
CHANGES = {
    "append": ("@parts:s390x",),
    "merge": ("@parts:s390x",),
    "remove": ("linux/ppc64le",),
}


@pytest.fixture
def world(served: FaultRegistry, command: Command) -> World:
    """Return a user with a registry that has a list, and an image beside it."""
    made = World(served, command)
    made.place("app:v1", LIST)
    made.place("parts:s390x", S390X)
    return made


@pytest.mark.parametrize("change", CHANGES)
def test_an_entry_whose_image_is_deleted_meanwhile_is_said_and_nothing_is_pushed(
    change: str, world: World
) -> None:
    """It goes when all was judged: with the last look at the tag before anything is written."""

    def collect(it: FaultRegistry) -> None:
        it.demo.delete_manifest("app", ARM64.digest)

    world.registry.fault(("HEAD", AT_INDEX[1]), faults.after(collect), 1)
    ran = world(change, "@app:v1", *CHANGES[change])
    assert 1 == ran.code
    assert f"child {ARM64.digest} is" in ran.err
    assert f"in {world.host}/app" in ran.err
    assert LIST.digest == world.digest("app:v1")


@pytest.mark.parametrize("over", [(), ("--over", S390X.digest)])
def test_a_restore_of_what_is_not_there_any_more_is_one_line(
    over: tuple[str, ...], world: World
) -> None:
    world.place("app:v1", S390X)
    world.registry.demo.delete_manifest("app", LIST.digest)
    ran = world("restore", f"@app:v1@{LIST.digest}", *over)
    name = f"{world.host}/app"
    gone = f"{name} does not have {LIST.digest} any more: it was deleted since"
    assert (1, "", 1) == (ran.code, ran.out, len(ran.err.splitlines()))
    assert ran.err.startswith(f"mfl-lint: not restored: {gone}")
    assert ran.err.endswith(f"; {name}:v1 points at {S390X.digest} still\n")
    assert S390X.digest == world.digest("app:v1")


@pytest.mark.parametrize("change", CHANGES)
def test_an_image_that_was_gone_before_keeps_nobody_from_changing_the_rest(
    change: str, world: World
) -> None:
    world.registry.demo.delete_manifest("app", ARM64.digest)
    world.good(change, "@app:v1", *CHANGES[change])
    digests: list[str] = [one["digest"] for one in world.stored("app:v1")["manifests"]]
    assert ARM64.digest in digests
    assert (PPC.digest in digests) == (change != "remove")


def test_the_image_that_is_dropped_may_be_deleted_meanwhile(world: World) -> None:
    def collect(it: FaultRegistry) -> None:
        it.demo.delete_manifest("app", PPC.digest)

    fault = world.registry.fault(("HEAD", AT_INDEX[1]), faults.after(collect), 1)
    world.good("remove", "@app:v1", "linux/ppc64le")
    assert fault.met
    digests = {one["digest"] for one in world.stored("app:v1")["manifests"]}
    assert (True, False) == (ARM64.digest in digests, PPC.digest in digests)
