import json
from pathlib import Path

import pytest

from mfl_lint.cli.failures import run
from mfl_lint.core.manifest import OCI_INDEX
from tests.builders import attestation, document, image, index, place, write_layout
from tests.cli.conftest import Command
from tests.fault_registry import AT_CHILD, FaultRegistry
from tests.faults import status

AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
GOOD = index(AMD64, ARM64)


def test_each_entry_is_a_row(served: FaultRegistry, command: Command) -> None:
    place(served.demo, "team/app", index(AMD64, ARM64, attestation(ARM64)), "v1")
    ran = command("inspect", f"{served.host}/team/app:v1")
    assert (0, "") == (ran.code, ran.err)
    rows = [line for line in ran.out.splitlines() if line.count("│") == 9 and "linux/" in line]
    assert ["amd64", "arm64"] == [row.split("linux/")[1].split()[0] for row in rows]
    assert ["provenance" in row for row in rows] == [False, True]


def test_json_has_what_the_table_has_and_the_findings(
    served: FaultRegistry, command: Command
) -> None:
    wrong = index(AMD64, AMD64, annotate={1: {"platform": "linux/arm64"}})
    place(served.demo, "team/app", wrong, "v1")
    ran = command("inspect", f"{served.host}/team/app:v1", "--json")
    shown = json.loads(ran.out)
    assert (1, wrong.digest, "verified") == (ran.code, shown["digest"], shown["state"])
    second = shown["entries"][1]
    assert ("linux/arm64", "linux/amd64") == (second["platform"], second["config_platform"])
    assert ["MFL101"] == second["findings"]
    assert "MFL101" in {finding["rule"] for finding in shown["findings"]}


def test_findings_need_not_count(served: FaultRegistry, command: Command) -> None:
    wrong = index(AMD64, AMD64, annotate={1: {"platform": "linux/arm64"}})
    place(served.demo, "team/app", wrong, "v1")
    assert 0 == command("inspect", f"{served.host}/team/app:v1", "--fail-on", "never").code


def test_an_image_without_a_list_is_one_row(served: FaultRegistry, command: Command) -> None:
    place(served.demo, "team/app", AMD64, "v1")
    shown = json.loads(command("inspect", f"{served.host}/team/app:v1", "--json").out)
    (entry,) = shown["entries"]
    assert (None, "linux/amd64") == (entry["position"], entry["config_platform"])


def test_a_child_that_was_not_seen_says_so(served: FaultRegistry, command: Command) -> None:
    place(served.demo, "team/app", index(AMD64, ARM64), "v1")
    served.fault(AT_CHILD, status(403))
    ran = command("inspect", f"{served.host}/team/app:v1")
    assert 3 == ran.code
    assert "(denied)" in ran.out


def test_what_cannot_be_seen_is_3(served: FaultRegistry, command: Command, tmp_path: Path) -> None:
    ran = command("inspect", f"{served.host}/team/none:v1")
    assert 3 == ran.code
    assert "? absent" in ran.out
    ran = command("inspect", f"oci:{tmp_path}")
    assert 3 == ran.code
    assert "could not look" in ran.err


def test_a_glob_is_a_usage_error(command: Command) -> None:
    assert 2 == command("inspect", "localhost/team/*").code


def test_raw_is_the_document_byte_for_byte(
    served: FaultRegistry, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    odd = document(b'{"schemaVersion": 2,\r\n "manifests": [], "x": "\xc3\xbc"}\n', OCI_INDEX)
    place(served.demo, "team/app", odd, "v1")
    code = run(["inspect", f"{served.host}/team/app:v1", "--raw", "--fail-on", "never"])
    assert (0, odd.raw) == (code, capfdbinary.readouterr().out)


def test_raw_of_nothing_is_3_and_empty(served: FaultRegistry, command: Command) -> None:
    ran = command("inspect", f"{served.host}/team/none:v1", "--raw")
    assert (3, "") == (ran.code, ran.out)
    assert "could not look" in ran.err


def test_of_several_images_only_the_table_is_shown(command: Command, tmp_path: Path) -> None:
    folder = write_layout(tmp_path / "layout", {"v1": GOOD, "v2": AMD64})
    assert 2 == command("inspect", f"oci:{folder}").out.count("config says")
    for option in ("--json", "--raw"):
        ran = command("inspect", f"oci:{folder}", option)
        assert (2, "") == (ran.code, ran.out)
        assert f"holds 2 images; name one: oci:{folder}:TAG" in ran.err
    assert 0 == command("inspect", f"oci:{folder}:v2", "--json").code


def test_raw_and_json_exclude_each_other(command: Command) -> None:
    assert 2 == command("inspect", "localhost/a", "--raw", "--json").code


def test_hosts_and_attestations_are_tied_to_their_entries(
    served: FaultRegistry, command: Command
) -> None:
    place(served.demo, "team/app", index(AMD64, ARM64, attestation(ARM64)), "v1")
    shown = json.loads(command("inspect", f"{served.host}/team/app:v1", "--json").out)
    first, second, third = shown["entries"]
    assert [(), ("provenance",), ()] == [tuple(x["attestations"]) for x in shown["entries"]]
    assert (None, None, 1) == (first["attests"], second["attests"], third["attests"])
    assert "linux/amd64" == first["hosts"][0]["host"]
    assert [] == third["hosts"]
    assert first["layers"][0]["digest"].startswith("sha256:")
