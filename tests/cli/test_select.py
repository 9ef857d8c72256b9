import json
from pathlib import Path

import pytest

from mfl_lint.cli.options import ENGINES
from mfl_lint.core.selection import ENGINES as KNOWN
from tests.builders import image, index, place, write_layout
from tests.cli.conftest import Command
from tests.fault_registry import AT_CHILD, FaultRegistry
from tests.faults import status

AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
V7 = image("linux", "arm", "v7")
BOTH = index(AMD64, ARM64)


def test_the_engines_of_the_help_are_those_that_are_known() -> None:
    assert tuple(map(str, KNOWN)) == ENGINES


def test_every_engine_says_what_it_takes(served: FaultRegistry, command: Command) -> None:
    place(served.demo, "team/app", BOTH, "v1")
    ran = command("select", f"{served.host}/team/app:v1", "--platform", "linux/arm64", "--json")
    assert (0, "") == (ran.code, ran.err)
    shown = json.loads(ran.out)
    taken = {"position": 1, "digest": ARM64.digest, "platform": "linux/arm64"}
    assert [taken] * 5 == [one["selected"] for one in shown["engines"]]
    assert (f"{served.host}/team/app:v1", "linux/arm64") == (shown["reference"], shown["platform"])


def test_no_match_is_1_and_says_what_is_there_and_what_is_nearest(
    served: FaultRegistry, command: Command
) -> None:
    place(served.demo, "team/app", index(AMD64, V7), "v1")
    name = f"{served.host}/team/app:v1"
    ran = command("select", name, "--platform", "linux/arm/v6", "--json")
    reason = (
        "no matching manifest for linux/arm/v6 in the manifest list entries; there is linux/amd64,"
        " linux/arm/v7; nearest is linux/arm/v7 (another variant)"
    )
    shown = json.loads(ran.out)["engines"]
    assert (1, {reason}, [None] * 5) == (
        ran.code,
        {one["reason"] for one in shown},
        [one["selected"] for one in shown],
    )


def test_one_engine_decides_the_exit_code_where_only_it_is_asked(
    served: FaultRegistry, command: Command
) -> None:
    place(served.demo, "team/app", index(AMD64, V7), "v1")
    name = f"{served.host}/team/app:v1"
    codes = {
        engine: command("select", name, "--platform", "linux/arm64", "--engine", engine).code
        for engine in ("docker", "podman")
    }
    assert {"docker": 0, "podman": 1} == codes
    assert 0 == command("select", name, "--platform", "linux/arm64").code


def test_explain_says_why_each_entry_fell_out(served: FaultRegistry, command: Command) -> None:
    place(served.demo, "team/app", BOTH, "v1")
    ran = command("select", f"{served.host}/team/app:v1", "--platform", "linux/arm64", "--explain")
    assert "docker and docker-classic and containerd\n│ 0 linux/amd64: it is not for" in ran.out
    assert "✓ 1 linux/arm64: the only one that matches" in ran.out


def test_all_hosts_is_a_matrix(served: FaultRegistry, command: Command) -> None:
    place(served.demo, "team/app", BOTH, "v1")
    ran = command("select", f"{served.host}/team/app:v1", "--all-hosts")
    (row,) = [line for line in ran.out.splitlines() if line.startswith("│ linux/arm64 ")]
    assert (0, ["1"] * 5) == (ran.code, [cell.strip() for cell in row.split("│")[2:7]])
    made = json.loads(command("select", f"{served.host}/team/app:v1", "--all-hosts", "--json").out)
    assert "linux/amd64/v3" in {host["platform"] for host in made["hosts"]}


@pytest.mark.parametrize("kind", ["oci", "file", "-"])
def test_a_layout_a_file_and_the_standard_input_are_asked_alike(
    kind: str, process: Command, tmp_path: Path
) -> None:
    folder = tmp_path
    write_layout(folder / "layout", {"v1": BOTH})
    (folder / "index.json").write_bytes(BOTH.raw)
    named = {"oci": f"oci:{folder}/layout:v1", "file": f"file:{folder}/index.json", "-": "-"}
    ran = process("select", named[kind], "--platform", "linux/arm64", "--json", stdin=BOTH.raw)
    assert (0, "") == (ran.code, ran.err)
    assert 1 == json.loads(ran.out)["engines"][0]["selected"]["position"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name a platform (--platform linux/arm64) or --all-hosts"),
        (("--all-hosts", "--platform", "linux/arm64"), "name a platform"),
        (("--all-hosts", "--explain"), "--explain goes with --platform"),
        (("--platform", "arm64"), "write for example linux/arm64"),
        (("--platform", "linux/amd46"), 'did you mean "linux/amd64"?'),
        (("--platform", "linux/arm64,linux/amd64"), "an engine is asked for one platform"),
        (("--platform", "linux/arm64", "--engine", "rkt"), "'rkt' is not one of"),
    ],
)
def test_a_wrong_call_is_one_line_and_2(
    arguments: tuple[str, ...], said: str, command: Command
) -> None:
    ran = command("select", "localhost/app:v1", *arguments)
    assert (2, "", 1) == (ran.code, ran.out, len(ran.err.splitlines()))
    assert said in ran.err


def test_a_glob_and_a_layout_of_several_images_are_usage_errors(
    command: Command, tmp_path: Path
) -> None:
    asked = ("--platform", "linux/arm64")
    assert 2 == command("select", "localhost/team/*", *asked).code
    layout = write_layout(tmp_path / "layout", {"v1": BOTH, "v2": AMD64})
    ran = command("select", f"oci:{layout}", *asked)
    assert 2 == ran.code
    assert "holds 2 images; name one" in ran.err


def test_what_cannot_be_seen_is_3(served: FaultRegistry, command: Command, tmp_path: Path) -> None:
    asked = ("--platform", "linux/arm64")
    ran = command("select", f"{served.host}/team/none:v1", *asked, "--json")
    assert 3 == ran.code
    for one in json.loads(ran.out)["engines"]:
        assert one["reason"].startswith("unknown: not seen: the reference is absent: GET ")
    ran = command("select", f"oci:{tmp_path}", *asked)
    assert (3, "") == (ran.code, ran.out)
    assert "could not look" in ran.err


def test_a_child_that_decides_and_was_not_seen_is_3_and_one_that_does_not_is_0(
    served: FaultRegistry, command: Command
) -> None:
    place(served.demo, "team/app", index(AMD64, ARM64, annotate={1: {"platform": None}}), "v1")
    served.fault(AT_CHILD, status(403))
    name = f"{served.host}/team/app:v1"
    assert 3 == command("select", name, "--platform", "linux/arm64").code
    assert 0 == command("select", name, "--platform", "linux/amd64").code
    classic = ("--engine", "docker-classic")
    assert 0 == command("select", name, "--platform", "linux/arm64", *classic).code
