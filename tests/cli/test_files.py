"""`scan -f`: references out of files, with file and line."""

import json
from pathlib import Path

import pytest

from tests.builders import image, index, place
from tests.cli.conftest import Command
from tests.fault_registry import FaultRegistry

AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
GOOD = index(AMD64, ARM64)
WRONG = index(AMD64, image("linux", "amd64", name="b"), annotate={1: {"platform": "linux/arm64"}})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an empty folder for files."""
    made = tmp_path / "files"
    made.mkdir()
    return made


def test_a_finding_carries_file_and_line(
    served: FaultRegistry, command: Command, folder: Path
) -> None:
    place(served.demo, "team/app", WRONG, "v1")
    name = f"{served.host}/team/app:v1"
    path = folder / "compose.yaml"
    path.write_text(f"services:\n  a:\n    image: {name}\n  b:\n    image: {name}\n")
    ran = command("scan", "-f", str(path))
    assert (1, True) == (ran.code, f"in {path}:3, {path}:5" in ran.out.replace("\n  │ ", " "))
    report = json.loads(command("scan", "-f", str(path), "--format", "json").out)
    places = [{"path": str(path), "line": 3}, {"path": str(path), "line": 5}]
    assert [places] == [target["places"] for target in report["targets"]]
    assert [places] == [x["places"] for x in report["findings"] if x["rule"] == "MFL101"]


def test_a_file_and_a_target_are_looked_at_together(
    served: FaultRegistry, command: Command, folder: Path
) -> None:
    place(served.demo, "team/app", GOOD, "v1", "v2")
    (folder / "refs.txt").write_text(f"{served.host}/team/app:v1\n")
    ran = command(
        *("scan", f"{served.host}/team/app:v2", "-f", str(folder / "refs.txt")),
        *("--format", "json"),
    )
    targets = json.loads(ran.out)["targets"]
    assert (0, {"v1": 1, "v2": 0}) == (
        ran.code,
        {target["reference"].rpartition(":")[2]: len(target["places"]) for target in targets},
    )


def test_only_the_tag_that_a_file_names_is_looked_at(
    served: FaultRegistry, command: Command, folder: Path
) -> None:
    place(served.demo, "team/app", GOOD, "v1", "v2")
    (folder / "refs.txt").write_text(f"{served.host}/team/app:v1\n")
    ran = command("scan", "--all-tags", "-f", str(folder / "refs.txt"), "--format", "json")
    assert (0, 1) == (ran.code, len(json.loads(ran.out)["targets"]))


def test_a_platform_that_a_file_needs_is_required_of_its_image_alone(
    served: FaultRegistry, command: Command, folder: Path
) -> None:
    place(served.demo, "team/a", index(AMD64), "v1")
    place(served.demo, "team/b", index(AMD64), "v1")
    path = folder / "pod.yaml"
    pod = "apiVersion: v1\nkind: Pod\nspec:\n  containers: [{{image: {host}/team/{name}:v1}}]\n"
    path.write_text(
        pod.format(host=served.host, name="a")
        + "  nodeSelector: {kubernetes.io/arch: arm64}\n---\n"
        + pod.format(host=served.host, name="b")
    )
    ran = command("scan", "-f", str(path), "--format", "json")
    missing = [x for x in json.loads(ran.out)["findings"] if x["rule"] == "MFL401"]
    assert (1, [f"{served.host}/team/a:v1"]) == (ran.code, [x["reference"] for x in missing])
    assert "linux/arm64 is required and missing" in missing[0]["message"]


def test_what_is_not_resolved_is_said_and_is_3(
    served: FaultRegistry, command: Command, folder: Path
) -> None:
    place(served.demo, "team/app", GOOD, "v1")
    path = folder / "compose.yaml"
    path.write_text(
        f"services:\n  a:\n    image: {served.host}/team/app:v1\n"
        "  b:\n    image: app:${TAG}\n  c:\n    image: App:v1\n  d:\n    build: .\n"
    )
    ran = command("scan", "-f", str(path), "--format", "json")
    report = json.loads(ran.out)
    assert (3, [("app:${TAG}", 5), ("App:v1", 7)]) == (
        ran.code,
        [(x["text"], x["line"]) for x in report["unresolved"]],
    )
    assert (2, 1) == (len(report["problems"]), len(report["notes"]))
    ran = command("scan", "-f", str(path), "--fail-on", "never")
    assert (3, True) == (ran.code, "2 could not be looked at" in ran.out)
    assert "service d is built" in " ".join(ran.out.replace("\ni ", " ").split())


def test_a_finding_is_worse_than_what_is_not_resolved(
    served: FaultRegistry, command: Command, folder: Path
) -> None:
    place(served.demo, "team/app", WRONG, "v1")
    path = folder / "Dockerfile"
    path.write_text(f"FROM {served.host}/team/app:v1\nFROM app:$TAG\n")
    assert 1 == command("scan", "-f", str(path)).code


def test_the_environment_and_build_arguments_fill_in(
    served: FaultRegistry, command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(served.demo, "team/app", GOOD, "v1")
    (folder / "compose.yaml").write_text(
        f"services: {{a: {{image: '{served.host}/team/app:$A_TAG'}}}}"
    )
    (folder / "Dockerfile").write_text(f"ARG TAG\nFROM {served.host}/team/app:$TAG\n")
    files = ("-f", str(folder / "compose.yaml"), "-f", str(folder / "Dockerfile"))
    assert 3 == command("scan", *files).code
    monkeypatch.setenv("A_TAG", "v1")
    assert 0 == command("scan", *files, "--build-arg", "TAG=v1").code


def test_a_file_comes_from_the_standard_input(
    process: Command, served: FaultRegistry, folder: Path
) -> None:
    place(served.demo, "team/app", GOOD, "v1")
    text = f"# mine\n{served.host}/team/app:v1\n"
    ran = process("scan", "-f", "-", "--format", "json", stdin=text.encode())
    (target,) = json.loads(ran.out)["targets"]
    assert (0, [{"path": "stdin", "line": 2}]) == (ran.code, target["places"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: b\n", "neither Compose"),
        ("a: b: c\n", "f.yaml:1: not YAML"),
        ("a: &a [*a]\n", "names what it stands in"),
    ],
)
def test_a_file_that_cannot_be_read_is_2_and_one_line(
    text: str, said: str, command: Command, folder: Path
) -> None:
    (folder / "f.yaml").write_text(text)
    ran = command("scan", "-f", str(folder / "f.yaml"))
    assert (2, "", 1) == (ran.code, ran.out, ran.err.count("\n"))
    assert said in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-f", "none.yaml"), "none.yaml: No such file"),
        (("-", "-f", "-"), "the standard input cannot be both"),
        (("app", "--build-arg", "X"), "--build-arg X: write NAME=VALUE"),
        (("app", "--newest", "0"), "--newest"),
    ],
)
def test_a_mistake_is_2_and_one_line(
    arguments: tuple[str, ...], said: str, command: Command
) -> None:
    ran = command("scan", *arguments)
    assert (2, "", 1) == (ran.code, ran.out, ran.err.count("\n"))
    assert said in ran.err


def test_hostile_text_in_a_file_moves_nothing(command: Command, folder: Path) -> None:
    path = folder / "compose.yaml"
    path.write_text(
        'services:\n  "a\\e[31m\\n::error::x": {build: .}\n  b: {image: "x\\e[2J\\n::y"}\n'
    )
    ran = command("scan", "-f", str(path))
    assert 3 == ran.code
    assert "\x1b" not in ran.out
    assert not any(line.startswith("::") for line in ran.out.splitlines())
