"""What `mfl-lint fix` asks, what it takes of a plan then, and what it says of what it cannot do."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests import faults
from tests.builders import Built, image, index
from tests.cli.conftest import Command, Ran
from tests.cli.manifest_world import World
from tests.fault_registry import AT_INDEX, FaultRegistry

AMD64, ARM64, S390X = (image("linux", arch) for arch in ("amd64", "arm64", "s390x"))
AGAIN = image("linux", "arm64", name="again")


@pytest.fixture
def world(served: FaultRegistry, command: Command) -> World:
    """Return a user with a registry."""
    return World(served, command)


def asked(answers: str, *arguments: str) -> Ran:
    """Run `fix --interactive --push` with somebody at the terminal who answers so."""
    terminal, stdin = pty.openpty()
    try:
        os.write(terminal, "".join(f"{one}\n" for one in answers).encode())
        done = subprocess.run(
            [sys.executable, "-m", "mfl_lint", "fix", *arguments, "--push", "--interactive"],
            stdin=stdin,
            capture_output=True,
            env={**os.environ},
            timeout=60,
            check=False,
        )
    finally:
        os.close(stdin)
        os.close(terminal)
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


def entries(world: World, name: str) -> list[tuple[str, str]]:
    """Return what a list says of its entries: architecture and digest."""
    return [
        (one.get("platform", {}).get("architecture", ""), one["digest"])
        for one in world.stored(name)["manifests"]
    ]


def test_a_plan_that_is_refused_stays_so_and_nobody_is_asked_about_its_steps(world: World) -> None:
    """The misspelt entry could be mended; the other one is called what a third image is called."""
    built = index(
        AMD64,
        image("linux", "amd64", name="other"),
        ARM64,
        annotate={1: {"platform": None}, 2: {"platform": "linux/aarch64"}},
    )
    world.place("app:v1", built)
    ran = asked("nnny", world.name("@app:v1"))
    assert (1, built.digest) == (ran.code, world.digest("app:v1"))
    assert "entry 1 is for linux/amd64 too" in ran.out
    assert "[Y/n]" not in ran.err


def test_steps_of_which_some_are_declined_are_refused_where_the_rest_does_harm(
    world: World,
) -> None:
    """Entry 0 is given its platform, and the same image in entry 1 is not dropped."""
    built = index(AMD64, AMD64, ARM64, annotate={0: {"platform": None}})
    world.place("app:v1", built)
    ran = asked("yny", world.name("@app:v1"))
    assert (1, built.digest) == (ran.code, world.digest("app:v1"))
    assert 2 == ran.err.count("[Y/n]")
    assert "refused: the list would then have MFL105" in ran.out
    assert 0 == asked("yyy", world.name("@app:v1")).code
    assert [("amd64", AMD64.digest), ("arm64", ARM64.digest)] == entries(world, "app:v1")


@pytest.mark.parametrize(
    ("answers", "first", "second"),
    [("yn", "x86_64", AGAIN), ("ny", "amd64", ARM64), ("yy", "amd64", AGAIN)],
)
def test_an_entry_is_pointed_at_the_image_beside_it_whatever_else_is_declined(
    world: World, answers: str, first: str, second: Built
) -> None:
    world.place("app:v1", index(AMD64, ARM64, annotate={0: {"platform": "linux/x86_64"}}))
    world.place("app:v1-arm64", AGAIN)
    world.registry.demo.delete_manifest("app", ARM64.digest)
    ran = asked(f"{answers}y", world.name("@app:v1"))
    assert f"write on entry 1 that it is {AGAIN.digest}, " in ran.err
    assert (0 if answers == "yy" else 1) == ran.code
    assert [(first, AMD64.digest), ("arm64", second.digest)] == entries(world, "app:v1")


@pytest.mark.parametrize("there", [ARM64, AGAIN])
def test_an_entry_is_pointed_at_the_image_of_a_repository_that_is_named_like_it(
    world: World, command: Command, there: Built
) -> None:
    """Where that is the very image, it is brought back and the list stays as it is."""
    world.place("app:v1", index(AMD64, ARM64))
    world.place("app-arm64:v1", there)
    world.registry.demo.delete_manifest("app", ARM64.digest)
    says = "has it" if there is ARM64 else "is for the same platform"
    (plan,) = json.loads(command("fix", world.name("@app:v1"), "--format", "json").out)["plans"]
    assert ["kept", "changed"] == [one["status"] for one in plan["entries"]]
    why = f"its image is gone, and {world.host}/app-arm64:v1 {says}"
    assert why == plan["entries"][1]["why"]
    assert 0 == command("fix", world.name("@app:v1"), "--push").code
    assert [("amd64", AMD64.digest), ("arm64", there.digest)] == entries(world, "app:v1")
    assert 0 == command("fix", world.name("@app:v1")).code
    assert world.registry.demo.manifest("app", there.digest)


@pytest.mark.parametrize("options", [(), ("--push",), ("--format", "json")])
def test_a_tag_that_is_not_there_could_not_be_looked_at_whatever_is_named_like_it(
    world: World, command: Command, options: tuple[str, ...]
) -> None:
    world.place("app:v1", index(AMD64, ARM64))
    world.place("app-arm64:v1", ARM64)
    ran = command("fix", world.name("@app:v9"), *options)
    assert 3 == ran.code
    assert "app:v9: absent" in ran.out + ran.err
    assert "Nothing to mend" not in ran.out


def test_a_plan_that_adds_images_is_taken_whole(world: World) -> None:
    world.place("app:v1", index(AMD64))
    for name, built in (("amd64", AMD64), ("arm64", ARM64), ("s390x", S390X)):
        world.place(f"app:v1-{name}", built)
    ran = asked("y", world.name("@app:v1"))
    assert 0 == ran.code, ran.out + ran.err
    assert "[Y/n]" not in ran.err
    assert ["amd64", "arm64", "s390x"] == [arch for arch, _ in entries(world, "app:v1")]


def test_of_more_names_than_one_plan_takes_it_is_said_how_many_are_left_out(
    world: World, command: Command
) -> None:
    words = [
        f"{os}-{arch}"
        for os in ("darwin", "freebsd", "linux", "windows")
        for arch in ("386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le")
    ]
    words += ["mipsle", "ppc64", "ppc64le", "riscv64", "s390x"]
    words += [f"{os}-{word}" for os in ("darwin", "freebsd", "linux") for word in words[-5:]]
    for word in words:
        world.place(f"app:v1-{word}", AMD64)
    last = max(words)
    ran = command("fix", world.name(f"@app:v1-{last}"), "--format", "json")
    told = json.loads(ran.out)
    (problem,) = told["problems"]
    assert problem.startswith(f"2 of the 52 names like {world.host}/app:v1-")
    assert f"`mfl-lint manifest append {world.host}/app:v1 IMAGE…` adds the others" in problem
    (plan,) = told["plans"]
    assert any(f"app:v1-{last}: the name says" in line for line in plan["refused"])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("@app:v1", "--to", "no tag"), "--to 'no tag' is no tag"),
        (("@app:v1", "--to", "v1@x", "--push"), "--to 'v1@x' is no tag"),
        ((f"@app@{AMD64.digest}", "--push"), "names no tag: --to TAG says which"),
    ],
)
def test_where_a_plan_would_go_is_checked_before_anything_is_looked_at(
    world: World, command: Command, arguments: tuple[str, ...], says: str
) -> None:
    world.place("app:v1", index(AMD64, ARM64))
    ran = command("fix", *map(world.name, arguments))
    assert (2, 1, 0) == (ran.code, len(ran.err.splitlines()), world.registry.count())
    assert says in ran.err


def test_what_was_pushed_and_could_not_be_written_down_is_said_with_the_way_back(
    world: World, command: Command
) -> None:
    built = index(AMD64, ARM64, annotate={0: {"platform": "linux/x86_64"}})
    world.place("app:v1", built)
    journal: Path = world.state / "pushes.jsonl"

    def spoil(_: FaultRegistry) -> None:
        journal.unlink()
        journal.mkdir()

    world.registry.fault(("PUT", AT_INDEX[1]), faults.after(spoil))
    ran = command("fix", world.name("@app:v1"), "--push")
    assert 3 == ran.code
    assert f"app:v1@{built.digest} --over {world.digest('app:v1')}" in ran.out
    assert "how it ended is not written down:" in ran.out
    assert "Is a directory" in ran.out
