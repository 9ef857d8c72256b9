import json
from pathlib import Path

import pytest

from tests.builders import image, index, place, write_layout
from tests.cli.conftest import Command
from tests.fault_registry import AT_CHILD, FaultRegistry
from tests.faults import status

AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
OTHER = image("linux", "amd64", name="other")


@pytest.fixture
def name(served: FaultRegistry) -> str:
    """Return a repository with three tags: v1 as the mirror, v2 with another image."""
    place(served.demo, "team/app", index(AMD64, ARM64), "v1")
    place(served.demo, "mirror/app", index(AMD64, ARM64), "v1")
    place(served.demo, "team/app", index(OTHER, ARM64), "v2")
    place(served.demo, "team/app", index(AMD64), "v3")
    return f"{served.host}/team/app"


def test_the_same_is_0(name: str, command: Command) -> None:
    ran = command("diff", f"{name}:v1", name.replace("team", "mirror") + ":v1")
    assert (0, "") == (ran.code, ran.err)
    assert ran.out.endswith("The same.\n")


def test_another_image_is_1_and_the_same_platforms_are_0(name: str, command: Command) -> None:
    ran = command("diff", f"{name}:v1", f"{name}:v2", "--json")
    shown = json.loads(ran.out)
    assert (1, False, True) == (ran.code, shown["same"], shown["same_platforms"])
    assert ["changed", "same"] == [item["status"] for item in shown["platforms"]]
    assert 0 == command("diff", f"{name}:v1", f"{name}:v2", "--same-platforms").code


def test_a_missing_platform_is_1_for_a_mirror(name: str, command: Command) -> None:
    ran = command("diff", f"{name}:v1", f"{name}:v3", "--same-platforms")
    assert 1 == ran.code
    assert "removed" in ran.out


def test_what_cannot_be_seen_is_3(
    name: str, served: FaultRegistry, command: Command, tmp_path: Path
) -> None:
    assert 3 == command("diff", f"{name}:v1", f"{name}:none").code
    ran = command("diff", f"{name}:v1", f"oci:{tmp_path}")
    assert (3, "") == (ran.code, ran.out)
    assert "could not look" in ran.err
    served.fault(AT_CHILD, status(403), times=None)
    ran = command("diff", f"{name}:v1", f"{name}:v1")
    assert 3 == ran.code
    assert "could not look" in ran.out


def test_a_layout_compares_with_a_registry(name: str, command: Command, tmp_path: Path) -> None:
    folder = write_layout(tmp_path / "layout", {"v1": index(AMD64, ARM64), "v2": AMD64})
    assert 0 == command("diff", f"{name}:v1", f"oci:{folder}:v1").code
    ran = command("diff", f"{name}:v1", f"oci:{folder}")
    assert 2 == ran.code
    assert "holds 2 images; name one" in ran.err


def test_a_glob_is_a_usage_error(command: Command) -> None:
    assert 2 == command("diff", "localhost/team/*", "localhost/a/b").code
