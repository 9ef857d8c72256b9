"""Of several lists that are to be mended, one that cannot be keeps no other from it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests import faults
from tests.builders import image, index
from tests.cli.conftest import Command
from tests.cli.manifest_world import World
from tests.fault_registry import Behaviour, FaultRegistry

AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
BROKEN = index(AMD64, ARM64, annotate={0: {"platform": "linux/x86_64"}})
MENDED = index(AMD64, ARM64)


@pytest.fixture
def world(served: FaultRegistry, command: Command) -> World:
    """Return a user with a registry that has three broken lists."""
    made = World(served, command)
    for tag in ("v1", "v2", "v3"):
        made.place(f"app:{tag}", BROKEN)
    return made


def ends(world: World) -> dict[str, str]:
    """Return what was written down of each tag."""
    path: Path = world.state / "pushes.jsonl"
    told: list[dict[str, Any]] = [json.loads(one) for one in path.read_text().splitlines()]
    assert Counter(begun=3, end=3) == Counter(one["event"] for one in told)
    written = {name: how["end"] for one in told for name, how in one.get("ends", {}).items()}
    return {name.rpartition(":")[2]: end for name, end in written.items()}


@pytest.mark.parametrize(
    ("method", "fault", "end"),
    [
        ("PUT", faults.status(403), "refused"),
        ("PUT", faults.status(500), "failed"),
        ("PUT", faults.html(502), "unknown"),
    ],
)
def test_one_that_fails_is_told_with_those_that_do_not(
    method: str, fault: Behaviour, end: str, world: World, command: Command
) -> None:
    world.registry.fault((method, "/app/manifests/v2"), fault)
    ran = command("fix", world.name("@app"), "--all-tags", "--push")
    assert 1 == ran.code
    assert {"v1": "pushed", "v2": end, "v3": "pushed"} == ends(world)
    for tag, how in ends(world).items():
        assert f"{how} {world.host}/app:{tag}" in ran.out
    assert "4 findings mended in 2 lists, 1 list not mended." in " ".join(ran.out.split())
    digests = [world.digest(f"app:{tag}") for tag in ("v1", "v2", "v3")]
    assert [True, False, True] == [digest != BROKEN.digest for digest in digests]


def test_several_names_are_each_tried_and_told(world: World, command: Command) -> None:
    """The first is not there, the second is moved meanwhile, the third cannot be looked at."""
    world.place("other:v1", BROKEN)
    world.registry.fault(("GET|HEAD", "/app/manifests/v3"), faults.status(403))

    def move(registry: FaultRegistry) -> None:
        world.place("app:v2", MENDED)

    world.registry.fault(("GET|HEAD", f"/app/manifests/{ARM64.digest}"), faults.after(move), 1)
    names = map(world.name, ("@none:v1", "@app:v2", "@app:v3", "@other:v1"))
    ran = command("fix", *names, "--push", "--format", "json")
    told = json.loads(ran.out)
    assert 1 == ran.code
    assert ["moved", "pushed"] == [one["end"] for plan in told["plans"] for one in plan["pushed"]]
    assert ["none:v1: absent", "app:v3: denied"] == [
        ": ".join(one.removeprefix(f"{world.host}/").split(": ")[:2]) for one in told["problems"]
    ]


def test_what_cannot_be_written_down_is_not_pushed_and_said_of_each(
    world: World, command: Command
) -> None:
    world.state.mkdir(parents=True)
    (world.state / "pushes.jsonl").mkdir()
    ran = command("fix", world.name("@app"), "--all-tags", "--push", "--format", "json")
    told = [plan["problem"] for plan in json.loads(ran.out)["plans"]]
    said = f"{world.state}/pushes.jsonl: Is a directory: nothing is pushed that is not written down"
    assert (1, [said] * 3) == (ran.code, told)
    assert 0 == world.registry.count("PUT")
    ran = command("fix", world.name("@app:v1"), world.name("@app:v2"), "--push")
    assert (1, True) == (ran.code, "2 lists not mended." in ran.out)
