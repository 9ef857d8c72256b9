"""What a scan says is to be done next: `mfl-lint fix` only where that has a plan."""

from __future__ import annotations

import re

import pytest

from tests.builders import Built, image, index
from tests.cli.conftest import Command
from tests.cli.manifest_world import World
from tests.fault_registry import FaultRegistry

AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
MISSPELT = index(AMD64, ARM64, annotate={1: {"platform": "linux/aarch64"}})
NAMED = {"v1-amd64": AMD64, "v1-arm64": ARM64}


def hint(command: Command, *arguments: str) -> list[str]:
    """Return the arguments of the `fix` that a scan says is next; none where it says none."""
    told = " ".join(command("scan", *arguments).out.split()).rpartition("Next: ")[2]
    found = re.search(r"`mfl-lint (fix [^`]*)`", told)
    return found[1].split() if found else []


@pytest.mark.parametrize(
    ("tags", "asked"),
    [
        ({"v1": index(AMD64)}, ("app:v1", "--require", "linux/arm64")),
        ({"v1-arm64": ARM64}, ("app:v1-arm64",)),
        ({"v1-arm64": ARM64}, ("app:v1-arm64", "--require", "linux/amd64")),
        ({**NAMED, "v1": index(AMD64, ARM64)}, ("app", "--all-tags")),
    ],
)
def test_where_fix_has_nothing_to_mend_a_scan_names_it_nowhere(
    tags: dict[str, Built], asked: tuple[str, ...], served: FaultRegistry, command: Command
) -> None:
    world = World(served, command)
    for tag, built in tags.items():
        world.place(f"app:{tag}", built)
    name, *options = asked
    assert "mfl-lint fix" not in command("scan", f"{served.host}/{name}", *options).out
    for tag in tags:
        ran = command("fix", f"{served.host}/app:{tag}")
        assert "Nothing to mend" in ran.out


@pytest.mark.parametrize(
    ("places", "asked"),
    [
        ({"app:v1": MISSPELT}, ("app:v1", "--require", "linux/s390x")),
        ({f"app:{tag}": built for tag, built in NAMED.items()}, ("app", "--all-tags")),
        ({"team/app-amd64:v1": AMD64, "team/app-arm64:v1": ARM64}, ("team/*", "--all-tags")),
    ],
)
def test_the_fix_that_a_scan_says_is_next_has_a_plan(
    places: dict[str, Built], asked: tuple[str, ...], served: FaultRegistry, command: Command
) -> None:
    world = World(served, command)
    for name, built in places.items():
        world.place(name, built)
    name, *options = asked
    ran = command(*hint(command, f"{served.host}/{name}", *options), "--push")
    assert (0, True) == (ran.code, "✓ mends" in ran.out)


def test_the_fix_of_a_digest_is_a_plan_that_needs_a_tag_to_be_pushed(
    served: FaultRegistry, command: Command
) -> None:
    World(served, command).place("app:v1", MISSPELT)
    ran = command(*hint(command, f"{served.host}/app@{MISSPELT.digest}"))
    assert (1, True) == (ran.code, "✓ mends   MFL103" in ran.out)
    told = " ".join(command("scan", f"{served.host}/app@{MISSPELT.digest}").out.split())
    assert f"app@{MISSPELT.digest} --push" not in told
