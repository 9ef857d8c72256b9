import json
from pathlib import Path

import pytest

from tests.builders import Built, image, index, place
from tests.cli.conftest import Command
from tests.fault_registry import AT_CHILD, AT_INDEX, FaultRegistry
from tests.faults import status

AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
GOOD = index(AMD64, ARM64)
WRONG = index(AMD64, image("linux", "amd64", name="b"), annotate={1: {"platform": "linux/arm64"}})


def _layer(built: Built) -> str:
    manifest = json.loads(built.raw)
    digest: str = manifest["layers"][0]["digest"]
    return digest


def test_a_whole_platform_is_ready(served: FaultRegistry, command: Command) -> None:
    place(served.demo, "team/app", GOOD, "v1")
    name = f"{served.host}/team/app:v1"
    ran = command("ready", name, "--platform", "linux/arm64")
    assert (0, "") == (ran.code, ran.err)
    assert (
        f"ready: {name} linux/arm64: {ARM64.digest}: its config and 1 layer are there\n" == ran.out
    )


def test_each_platform_is_a_line_and_one_no_is_no(served: FaultRegistry, command: Command) -> None:
    place(served.demo, "team/app", GOOD, "v1")
    ran = command("ready", f"{served.host}/team/app:v1", "--platform", "linux/amd64,linux/s390x")
    assert 1 == ran.code
    first, second = ran.out.splitlines()
    assert first.startswith("ready: ")
    assert second.startswith("not ready: ")
    assert "docker finds none" in second


def test_json_says_the_same(served: FaultRegistry, command: Command) -> None:
    place(served.demo, "team/app", GOOD, "v1")
    name = f"{served.host}/team/app:v1"
    ran = command("ready", name, "--platform", "linux/arm64", "--platform", "linux/386", "--json")
    shown = json.loads(ran.out)
    # docker and containerd take no amd64 for a 386.
    assert (1, False, [True, False]) == (
        ran.code,
        shown["ready"],
        [x["ready"] for x in shown["checks"]],
    )
    assert [ARM64.digest] == shown["checks"][0]["digests"]


def test_a_layer_that_is_gone_is_no(served: FaultRegistry, command: Command) -> None:
    place(served.demo, "team/app", GOOD, "v1")
    digest = _layer(ARM64)
    served.fault(
        ("*", f"/blobs/{digest}"), status(404, body=b'{"errors":[{"code":"BLOB_UNKNOWN"}]}')
    )
    ran = command("ready", f"{served.host}/team/app:v1", "--platform", "linux/arm64")
    assert 1 == ran.code
    assert f"layer {digest} is not there" in ran.out


def test_a_child_that_is_gone_is_no_for_its_platform_only(
    served: FaultRegistry, command: Command
) -> None:
    place(served.demo, "team/app", GOOD, "v1")
    served.demo.delete_manifest("team/app", ARM64.digest)
    name = f"{served.host}/team/app:v1"
    assert 1 == command("ready", name, "--platform", "linux/arm64").code
    assert 0 == command("ready", name, "--platform", "linux/amd64").code


def test_a_config_for_something_else_is_no(served: FaultRegistry, command: Command) -> None:
    place(served.demo, "team/app", WRONG, "v1")
    ran = command("ready", f"{served.host}/team/app:v1", "--platform", "linux/arm64")
    assert (1, True) == (ran.code, "says in its config linux/amd64" in ran.out)


def test_an_image_without_a_list_must_be_for_the_platform(
    served: FaultRegistry, command: Command
) -> None:
    place(served.demo, "team/app", AMD64, "v1")
    name = f"{served.host}/team/app:v1"
    codes = [command("ready", name, "--platform", x).code for x in ("linux/amd64", "linux/arm64")]
    assert [0, 1] == codes


def test_engines_differ_and_all_must_find_a_child(served: FaultRegistry, command: Command) -> None:
    place(served.demo, "team/app", index(image("linux", "386")), "v1")
    name = f"{served.host}/team/app:v1"
    ran = command("ready", name, "--platform", "linux/amd64")
    assert (1, True) == (ran.code, "podman finds none" in ran.out)
    assert 0 == command("ready", name, "--platform", "linux/amd64", "--engine", "docker").code


def test_a_tag_that_is_not_there_is_no(served: FaultRegistry, command: Command) -> None:
    place(served.demo, "team/app", GOOD, "v1")
    ran = command("ready", f"{served.host}/team/app:v2", "--platform", "linux/arm64")
    assert (1, True) == (ran.code, "the reference is not there" in ran.out)


@pytest.mark.parametrize("code", [401, 403, 429, 500])
@pytest.mark.parametrize("where", [AT_INDEX, AT_CHILD, ("HEAD", "/blobs/")])
def test_what_cannot_be_seen_is_unknown(
    code: int, where: tuple[str, str], served: FaultRegistry, command: Command
) -> None:
    place(served.demo, "team/app", GOOD, "v1")
    served.fault(where, status(code))
    ran = command("ready", f"{served.host}/team/app:v1", "--platform", "linux/arm64")
    assert (3, True) == (ran.code, ran.out.startswith("unknown: "))


def test_waiting_ends_when_it_is_ready(served: FaultRegistry, command: Command) -> None:
    place(served.demo, "team/app", GOOD, "v1")
    served.fault(AT_CHILD, status(500), times=2)
    name = f"{served.host}/team/app:v1"
    ran = command("ready", name, "--platform", "linux/arm64", "--wait", "60")
    assert 0 == ran.code


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name a REF"),
        (("app",), "name its platform with --platform"),
        (("app", "--platform", "arm"), "--platform: not a platform"),
        (("app", "--platform", ""), "--platform: a platform is empty"),
        (("app", "--platform", "linux/arm46"), 'did you mean "linux/arm64"?'),
        (("App", "--platform", "linux/arm64"), "not a reference"),
        (("oci:dir:v1", "--platform", "linux/arm64"), "oci:dir:v1: ready asks a registry"),
        (("team/*", "--platform", "linux/arm64"), "team/*: ready asks a registry"),
        (("app", "--platform", "linux/arm64", "--engine", "x"), "--engine"),
        (("app", "--platform", "linux/arm64", "--build-arg", "X"), "write NAME=VALUE"),
    ],
)
def test_a_mistake_is_2_and_one_line(
    arguments: tuple[str, ...], said: str, command: Command
) -> None:
    ran = command("ready", *arguments)
    assert (2, "", 1) == (ran.code, ran.out, ran.err.count("\n"))
    assert said in ran.err


def test_a_registry_that_is_down_is_unknown(command: Command) -> None:
    ran = command("ready", "127.0.0.1:1/app:v1", "--platform", "linux/arm64")
    assert 3 == ran.code
    assert ran.out.startswith(
        "unknown: 127.0.0.1:1/app:v1 linux/arm64: the reference is unreachable: "
    )


def test_a_file_is_asked_for_what_it_needs(
    served: FaultRegistry, command: Command, tmp_path: Path
) -> None:
    place(served.demo, "team/app", index(ARM64), "v1")
    place(served.demo, "team/other", GOOD, "v1")
    path = tmp_path / "compose.yaml"
    path.write_text(
        "services:\n"
        f"  a:\n    image: {served.host}/team/app:v1\n    platform: linux/arm64\n"
        f"  b:\n    image: {served.host}/team/other:v1\n"
    )
    ran = command("ready", "-f", str(path), "--platform", "linux/amd64")
    assert 0 == ran.code
    assert [("linux/arm64", f"(in {path}:3)"), ("linux/amd64", f"(in {path}:6)")] == [
        (line.split()[2], f"(in {line.split('(in ')[1].split(')')[0]})")
        for line in ran.out.splitlines()
    ]
    path.write_text(path.read_text() + "  c:\n    image: app:${TAG}\n")
    ran = command("ready", "-f", str(path), "--platform", "linux/amd64")
    assert (3, True) == (ran.code, f"unknown: {path}:8: 'app:${{TAG}}'" in ran.out)
