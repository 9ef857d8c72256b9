import json
import tarfile
from pathlib import Path

import jsonschema
import pytest

from mfl_lint.core.digest import digest_of
from mfl_lint.demo.images import fill
from tests.builders import image, index, place, write_layout
from tests.cli.conftest import QUICK, Command
from tests.fault_registry import AT_CATALOG, AT_INDEX, AT_TAGS, FaultRegistry
from tests.faults import status

SCHEMA = json.loads(Path(__file__, "../../../docs/schema/scan-v1.json").resolve().read_text())
AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
GOOD = index(AMD64, ARM64)
WRONG = index(AMD64, image("linux", "amd64", name="b"), annotate={1: {"platform": "linux/arm64"}})
FRAGILE = index(AMD64, image("linux", "arm"))


def _rules(text: str) -> set[str]:
    report = json.loads(text)
    jsonschema.validate(report, SCHEMA)
    return {finding["rule"] for finding in report["findings"]}


def test_a_clean_list_is_0(served: FaultRegistry, command: Command) -> None:
    place(served.demo, "team/app", GOOD, "v1")
    ran = command("scan", f"{served.host}/team/app:v1")
    assert (0, "") == (ran.code, ran.err)
    assert f"✓ {served.host}/team/app:v1" in ran.out
    assert "linux/amd64, linux/arm64" in ran.out
    assert ran.out.endswith("Nothing to do.\n")


def test_a_wrong_annotation_is_1_and_names_both_platforms(
    served: FaultRegistry, command: Command
) -> None:
    place(served.demo, "team/app", WRONG, "v1")
    reference = f"{served.host}/team/app:v1"
    ran = command("scan", reference)
    assert 1 == ran.code
    block = ran.out.partition("MFL101")[2]
    assert "linux/arm64" in block
    assert "linux/amd64" in block
    assert f"\n  │   fix:\n      mfl-lint fix {reference}\n" in block
    assert "\n      # if it was built for the wrong platform, build it again:\n" in block


def test_fail_on_moves_the_threshold(served: FaultRegistry, command: Command) -> None:
    place(served.demo, "team/app", FRAGILE, "v1")
    reference = f"{served.host}/team/app:v1"
    codes = [
        command("scan", reference, "--fail-on", fail_on).code
        for fail_on in ("error", "warning", "info", "never")
    ]
    assert [0, 1, 1, 0] == codes


def test_required_platforms_must_be_there(served: FaultRegistry, command: Command) -> None:
    place(served.demo, "team/app", index(AMD64), "v1")
    reference = f"{served.host}/team/app:v1"
    ran = command("scan", reference, "--require", "linux/amd64,linux/arm64", "--format", "json")
    assert 1 == ran.code
    assert "MFL401" in _rules(ran.out)


def test_layers_are_looked_for_only_with_check_blobs(
    served: FaultRegistry, command: Command
) -> None:
    place(served.demo, "team/app", GOOD, "v1")
    served.demo.delete_blob("team/app", digest_of(AMD64.layers[0]))
    reference = f"{served.host}/team/app:v1"
    assert 0 == command("scan", reference).code
    ran = command("scan", reference, "--check-blobs", "--format", "json")
    assert (1, {"MFL202"}) == (ran.code, _rules(ran.out))


def test_untagged_means_latest(served: FaultRegistry, command: Command) -> None:
    place(served.demo, "team/app", GOOD, "latest", "v1")
    ran = command("scan", f"{served.host}/team/app", "--format", "json")
    targets = json.loads(ran.out)["targets"]
    assert [f"{served.host}/team/app:latest"] == [target["reference"] for target in targets]


def test_a_digest_can_be_asked_for(served: FaultRegistry, command: Command) -> None:
    place(served.demo, "team/app", GOOD, "v1")
    ran = command("scan", f"{served.host}/team/app@{GOOD.digest}", "--format", "json")
    assert (0, GOOD.digest) == (ran.code, json.loads(ran.out)["targets"][0]["digest"])


def test_all_tags_looks_at_each_tag_once(served: FaultRegistry, command: Command) -> None:
    place(served.demo, "team/app", GOOD, "v1", "v2", "latest")
    name = f"{served.host}/team/app"
    ran = command("scan", name, f"{name}:v1", name, "--all-tags", "--format", "json")
    references = sorted(target["reference"] for target in json.loads(ran.out)["targets"])
    assert [f"{name}:latest", f"{name}:v1", f"{name}:v2"] == references


def test_a_namespace_is_expanded(served: FaultRegistry, command: Command) -> None:
    for name in ("team/a", "team/b", "other/c"):
        place(served.demo, name, GOOD, "latest")
    ran = command("scan", f"{served.host}/team/*", "--format", "json")
    names = [target["reference"] for target in json.loads(ran.out)["targets"]]
    assert (0, [f"{served.host}/team/{x}:latest" for x in "ab"]) == (ran.code, names)


def test_the_demos_images_are_reported_in_valid_json(
    served: FaultRegistry, command: Command
) -> None:
    fill(served.demo)
    ran = command("scan", f"{served.host}/*", "--all-tags", "--format", "json")
    assert 1 == ran.code
    assert {"MFL101", "MFL103", "MFL104", "MFL105", "MFL201", "MFL209"} <= _rules(ran.out)


def test_ignored_findings_are_counted_and_do_not_fail(
    served: FaultRegistry, command: Command, tmp_path: Path
) -> None:
    place(served.demo, "team/app", WRONG, "v1")
    settings = tmp_path / "s.toml"
    ignore = '[[policy.ignore]]\nrule = "MFL101"\nreason = "known"\nrepository = "team/*"\n'
    settings.write_text(QUICK + ignore)
    ran = command(
        "scan", f"{served.host}/team/app:v1", "--config", str(settings), "--format", "json"
    )
    assert (0, set()) == (ran.code, _rules(ran.out))
    assert 1 == json.loads(ran.out)["summary"]["ignored"]


def test_a_configured_registry_gives_its_credentials_and_name(
    served: FaultRegistry, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(served.demo, "team/app", GOOD, "v1")
    challenge = {"WWW-Authenticate": 'Basic realm="x"'}
    served.fault(AT_INDEX, status(401, headers=challenge), times=1)
    settings = tmp_path / "s.toml"
    settings.write_text(
        f'{QUICK}[[registry]]\nname = "team"\nhost = "{served.host}"\n'
        '[registry.credentials]\nusername = "me"\npassword_env = "TEAM_PASSWORD"\n'
    )
    monkeypatch.setenv("TEAM_PASSWORD", "open sesame")
    reference = f"{served.host}/team/app:v1"
    assert 0 == command("scan", reference, "--config", str(settings)).code
    assert any("authorization" in one.headers for one in served.requests)
    served.requests.clear()
    ran = command("scan", reference, "--config", str(settings), "--anonymous")
    assert 0 == ran.code
    assert not any("authorization" in one.headers for one in served.requests)


def test_a_missing_secret_is_3_and_names_its_setting(
    served: FaultRegistry, command: Command, tmp_path: Path
) -> None:
    settings = tmp_path / "s.toml"
    settings.write_text(
        f'{QUICK}[[registry]]\nname = "team"\nhost = "{served.host}"\n'
        '[registry.credentials]\nusername = "me"\npassword_env = "NOT_SET_ANYWHERE"\n'
    )
    served.fault(AT_INDEX, status(401, headers={"WWW-Authenticate": 'Basic realm="x"'}))
    ran = command("scan", f"{served.host}/team/app:v1", "--config", str(settings))
    assert 3 == ran.code
    assert "NOT_SET_ANYWHERE" in ran.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("not a reference",), "not a reference"),
        (("App:v1",), "must be lower case"),
        (("http://localhost/app",), "without scheme"),
        (("app", "--nonsense"), "--nonsense"),
        (("app", "--fail-on", "never-ever"), "--fail-on"),
        (("app", "--format", "yaml"), "--format"),
        (("app", "--require", "linux"), "--require"),
        (("app", "--config", "none.toml"), "none.toml: No such file"),
        (("app", "-o", "none/report"), "does not exist"),
        ((), "TARGET"),
        (("\x1b[31m\u202e:v1",), "\\x1b[31m\\u202e"),
    ],
)
def test_a_mistake_is_2_and_one_line(
    arguments: tuple[str, ...], said: str, command: Command
) -> None:
    ran = command("scan", *arguments)
    assert (2, "", 1) == (ran.code, ran.out, ran.err.count("\n"))
    assert ran.err.startswith("mfl-lint: error: ")
    assert said in ran.err


def test_a_registry_that_is_down_is_3_and_no_finding(process: Command) -> None:
    ran = process("scan", "127.0.0.1:1/team/app:v1", "--format", "json")
    assert (3, "") == (ran.code, ran.err)
    assert set() == _rules(ran.out)
    assert "unreachable" == json.loads(ran.out)["targets"][0]["state"]


@pytest.mark.parametrize("fail_on", ["error", "never"])
@pytest.mark.parametrize("code", [401, 403, 429, 500, 503])
def test_a_registry_that_refuses_is_3(
    code: int, fail_on: str, served: FaultRegistry, command: Command
) -> None:
    place(served.demo, "team/app", WRONG, "v1")
    served.fault(AT_INDEX, status(code))
    ran = command("scan", f"{served.host}/team/app:v1", "--fail-on", fail_on)
    assert 3 == ran.code
    assert "MFL" not in ran.out.partition("Next")[0].replace("undecided", "")


def test_a_tag_that_is_not_there_is_3(served: FaultRegistry, command: Command) -> None:
    place(served.demo, "team/app", GOOD, "v1")
    ran = command("scan", f"{served.host}/team/app:v2")
    assert 3 == ran.code
    assert "no such tag or digest" in ran.out


@pytest.mark.parametrize("match", [AT_TAGS, AT_CATALOG])
def test_a_listing_that_fails_is_3(
    match: tuple[str, str], served: FaultRegistry, command: Command
) -> None:
    place(served.demo, "team/app", GOOD, "latest")
    served.fault(match, status(500))
    ran = command("scan", f"{served.host}/team/*", "--all-tags", "--format", "json")
    assert 3 == ran.code
    (problem,) = json.loads(ran.out)["problems"]
    assert "could not be listed" in problem


def test_a_namespace_without_repositories_is_3(served: FaultRegistry, command: Command) -> None:
    ran = command("scan", f"{served.host}/nobody/*")
    assert 3 == ran.code
    assert "no repository matches" in ran.out


def test_a_document_is_read_from_the_standard_input(process: Command) -> None:
    ran = process("scan", "-", stdin=index(AMD64, index(ARM64)).raw)
    assert 0 == ran.code
    assert "! stdin" in ran.out
    assert "MFL209" in ran.out


def test_a_layout_and_its_archive_give_the_same_findings(command: Command, tmp_path: Path) -> None:
    folder = write_layout(tmp_path / "layout", {"v1": WRONG})
    with tarfile.open(tmp_path / "layout.tar", "w") as tar:
        tar.add(folder, arcname=".")
    runs = [
        command("scan", target, "--format", "json")
        for target in (f"oci:{folder}:v1", f"oci:{folder}", f"oci-archive:{tmp_path}/layout.tar")
    ]
    assert [1, 1, 1] == [ran.code for ran in runs]
    assert [{"MFL101"}] * 3 == [_rules(ran.out) & {"MFL101", "MFL201"} for ran in runs]
    first = json.loads(runs[0].out)["findings"][0]
    assert f"oci:{folder}:v1" == first["reference"]


@pytest.mark.parametrize("required", ["", ",", "linux/amd64,"])
def test_an_empty_requirement_is_2_not_a_pass(command: Command, required: str) -> None:
    ran = command("scan", "--require", required, "oci:nowhere")
    assert 2 == ran.code
    assert "--require: a platform is empty" in ran.err


def test_a_requirement_that_nothing_is_built_for_is_a_typing_error(command: Command) -> None:
    ran = command("scan", "--require", "linux/armm64", "oci:nowhere")
    assert 2 == ran.code
    assert "nothing is built for 'linux/armm64'" in ran.err


def test_a_document_alone_tells_that_a_required_platform_is_missing(
    command: Command, tmp_path: Path
) -> None:
    path = tmp_path / "index.json"
    path.write_bytes(index(image("linux", "amd64"), image("linux", "arm64")).raw)
    ran = command("scan", "--require", "linux/riscv64", f"file:{path}")
    assert 1 == ran.code
    assert "linux/riscv64 is required and missing; offered: linux/amd64, linux/arm64" in ran.out
    assert 0 == command("scan", "--require", "linux/arm64", f"file:{path}").code


@pytest.mark.parametrize("text", ["file:none", "oci:none", "oci-archive:none"])
def test_a_file_that_is_not_there_is_2_before_anything_is_looked_at(
    text: str, served: FaultRegistry, command: Command
) -> None:
    name = f"{served.host}/app:v1"
    said = "mfl-lint: error: none: No such file or directory\n"
    for call in (
        ("scan", name, text),
        ("scan", name, "-f", "none"),
        ("inspect", text),
        ("select", text, "--platform", "linux/arm64"),
        ("diff", text, text),
    ):
        assert (2, "", said) == command(*call)
    assert [] == served.requests
