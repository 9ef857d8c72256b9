"""What is said of a push of which nobody knows how it ended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests import faults
from tests.builders import image, index
from tests.cli.conftest import Command
from tests.cli.manifest_world import LIST, World
from tests.fault_registry import AT_INDEX, FaultRegistry
from tests.mend.test_push_unanswered import lost

BROKEN = index(
    image("linux", "amd64"),
    image("linux", "arm64"),
    annotate={0: {"platform": "linux/x86_64"}},
)


@pytest.fixture
def world(served: FaultRegistry, command: Command) -> World:
    """Return a user with a registry."""
    return World(served, command)


def journal(world: World) -> list[Any]:
    """Return what was written down."""
    return [json.loads(one) for one in (world.state / "pushes.jsonl").read_text().splitlines()]


def test_a_lost_answer_is_unknown_with_how_to_look_and_the_way_back(world: World) -> None:
    world.place(LIST, BROKEN)
    world.made()
    world.registry.fault(("PUT", AT_INDEX[1]), lost)
    ran = world("push", f"@{LIST}")
    new = journal(world)[0]["digest"]
    assert (3, "") == (ran.code, ran.out)
    assert "nobody knows whether it was pushed: PUT" in ran.err
    assert f"when last seen it was {BROKEN.digest}" in ran.err
    assert f"`mfl-lint inspect {world.host}/{LIST}` shows {new} if it was" in ran.err
    back = f"mfl-lint manifest restore {world.host}/{LIST}@{BROKEN.digest} --over {new}"
    assert f"if it was, to restore that: {back}" in ran.err
    (end,) = journal(world)[-1]["ends"].values()
    assert ("unknown", BROKEN.digest, back) == (end["end"], end["now"], end["restore"])


def test_a_fix_says_it_alike(world: World, command: Command) -> None:
    world.place("app:v1", BROKEN)
    world.registry.fault(("PUT", AT_INDEX[1]), lost)
    ran = command("fix", world.name("@app:v1"), "--push")
    assert 1 == ran.code
    assert f"nobody knows whether it was pushed; to see: mfl-lint inspect {world.host}/app:v1" in (
        ran.out
    )
    assert f"restore {world.host}/app:v1@{BROKEN.digest} --over sha256:" in ran.out


def test_further_tags_that_were_not_come_to_are_told_and_written_down(world: World) -> None:
    world.parts()
    spec = "".join(f"  - image: {world.host}/app-{one}:v1\n" for one in ("amd64", "arm64"))
    Path("spec.yaml").write_text(
        f"image: {world.host}/{LIST}\ntags: [v2, latest]\nmanifests:\n{spec}"
    )
    world.registry.fault(("PUT", "/multi/manifests/v2"), faults.status(403))
    ran = world("apply", "spec.yaml")
    assert 1 == ran.code
    told = f"not pushed: {world.host}/multi:latest: left out, since {world.host}/multi:v2 failed"
    assert told in ran.err
    ends = {name.rpartition(":")[2]: one["end"] for name, one in journal(world)[-1]["ends"].items()}
    assert {"v1": "pushed", "v2": "refused", "latest": "left out"} == ends
