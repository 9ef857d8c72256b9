"""A list alone, of which nothing that it points at is at hand: `file:` and the standard input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.builders import DOCKER, Built, attestation, image, index
from tests.cli.conftest import Command
from tests.cli.test_scan import GOOD

AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
OTHER = image("linux", "amd64", name="b")
BARE = {"platform": None}
UNMARKED = index(
    AMD64,
    ARM64,
    attestation(AMD64),
    annotate={2: {"platform": "unknown/unknown", "annotations": None}},
)
IN_DOCKERS_LIST = index(
    *(image("linux", arch, flavour=DOCKER) for arch in ("amd64", "arm64")),
    flavour=DOCKER,
    annotate={1: BARE},
)


def scanned(command: Command, built: Built) -> tuple[int, set[str], set[str]]:
    """Return the exit code, the rules that found something, and those that are said undecided."""
    Path("index.json").write_bytes(built.raw)
    ran = command("scan", "file:index.json", "--format", "json")
    report = json.loads(ran.out)
    (target,) = report["targets"]
    found = {finding["rule"] for finding in report["findings"]}
    return ran.code, found, {verdict["rule"] for verdict in target["undecided"]}


@pytest.mark.parametrize(
    ("built", "code", "rule"),
    [
        (index(AMD64, OTHER), 1, "MFL105"),
        (index(AMD64, ARM64, annotate={1: {"platform": "linux/armm64"}}), 1, "MFL103"),
        (index(AMD64, ARM64, annotate={1: {"platform": "linux/aarch64"}}), 0, "MFL103"),
        (index(AMD64, image("linux", "arm")), 0, "MFL104"),
        (index(image("linux", "amd64", variant="v3")), 1, "MFL106"),
        (IN_DOCKERS_LIST, 0, "MFL102"),
    ],
)
def test_what_the_list_alone_tells_is_found(
    built: Built, code: int, rule: str, command: Command
) -> None:
    ended, found, undecided = scanned(command, built)
    assert (code, True, set()) == (ended, rule in found, undecided)


def test_an_entry_that_does_not_say_what_it_is_leaves_the_list_undecided(
    command: Command,
) -> None:
    for built in (index(AMD64, ARM64, annotate={1: BARE}), index(AMD64, annotate={0: BARE})):
        code, _, undecided = scanned(command, built)
        assert (3, True) == (code, "MFL102" in undecided)
        assert command("scan", "file:index.json").out.startswith("? file:index.json")


def test_that_nothing_but_the_list_was_judged_is_said(command: Command, tmp_path: Path) -> None:
    (tmp_path / "index.json").write_bytes(GOOD.raw)
    (tmp_path / "image.json").write_bytes(AMD64.raw)
    ran = command("scan", f"file:{tmp_path}/index.json", "--format", "json")
    (note,) = json.loads(ran.out)["notes"]
    name = f"file:{tmp_path}/index.json"
    assert (0, f"{name}: judged by the document alone: what it lists is not at hand") == (
        ran.code,
        note,
    )
    (note,) = json.loads(command("scan", f"file:{tmp_path}/image.json", "--format", "json").out)[
        "notes"
    ]
    assert note.endswith("image.json: judged by the document alone: its config is not at hand")


def test_what_docker_manifest_inspect_leaves_of_an_attestation_is_no_image(
    command: Command,
) -> None:
    assert (0, set(), set()) == scanned(command, UNMARKED)


def test_the_standard_input_is_judged_as_a_file_is(process: Command) -> None:
    ran = process("scan", "-", stdin=index(AMD64, OTHER).raw)
    assert (1, True) == (ran.code, "MFL105 duplicate-platform  linux/amd64" in ran.out)
