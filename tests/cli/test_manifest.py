"""What `mfl-lint manifest` does beyond `docker manifest`."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import resource
import signal
import sqlite3
from pathlib import Path

import pytest

from mfl_lint.core.digest import digest_of
from mfl_lint.core.manifest import OCI_INDEX
from mfl_lint.store.migrate import upgrade
from tests import faults
from tests.builders import Built, attestation, image, index, place
from tests.cli.conftest import Command
from tests.cli.manifest_world import AMD64, ARM64, LIST, OCI_AMD64, OCI_ARM64, World
from tests.fault_registry import AT_INDEX, FaultRegistry

S390X = image("linux", "s390x")
OTHER = image("linux", "amd64", name="other")


@pytest.fixture
def world(served: FaultRegistry, command: Command) -> World:
    """Return a user with a registry."""
    return World(served, command)


def _entries(world: World, name: str) -> list[str]:
    return [
        "/".join(entry["platform"][key] for key in ("os", "architecture"))
        for entry in world.stored(name)["manifests"]
    ]


def test_annotations_go_onto_the_list_and_onto_its_entries(world: World) -> None:
    world.place("a:v1", OCI_AMD64)
    world.place("b:v1", OCI_ARM64)
    flags = ("--index-annotation", "x=1=2", "--annotation", "y=<ü>")
    world.good("create", *flags, f"@{LIST}", "@a:v1", "@b:v1")
    world.good("annotate", f"@{LIST}", "@b:v1", "--annotation", "z=")
    world.good("push", f"@{LIST}")
    stored = world.stored(LIST)
    assert {"x": "1=2"} == stored["annotations"]
    assert [{"y": "<ü>"}, {"y": "<ü>", "z": ""}] == [
        entry["annotations"] for entry in stored["manifests"]
    ]
    assert ["mediaType", "digest", "size", "annotations", "platform"] == list(
        stored["manifests"][0]
    )


def test_docker_lists_hold_no_annotations(world: World) -> None:
    world.parts()
    names = (f"@{LIST}", "@app-amd64:v1", "@app-arm64:v1")
    ran = world("create", "--index-annotation", "x=1", *names)
    assert 2 == ran.code
    assert "docker lists hold no annotations: say --oci" in ran.err
    assert [] == world.drafts()
    world.good("create", "--oci", "--index-annotation", "x=1", *names)


@pytest.mark.parametrize("text", ["x", "=1", "a\udcff=1"])
def test_what_is_no_annotation_is_a_mistake(world: World, text: str) -> None:
    world.parts()
    ran = world("create", "--index-annotation", text, f"@{LIST}", "@app-amd64:v1")
    assert 2 == ran.code
    assert "--index-annotation" in ran.err


def test_flattened_lists_keep_their_attestations_behind_all_images(world: World) -> None:
    for name, built in (("a", OCI_AMD64), ("b", OCI_ARM64)):
        world.place(f"{name}:v1", index(built, attestation(built)))
    world.good("create", "--flatten", f"@{LIST}", "@a:v1", "@b:v1")
    world.good("push", f"@{LIST}")
    entries = world.stored(LIST)["manifests"]
    about = [one.get("annotations", {}).get("vnd.docker.reference.digest") for one in entries]
    assert [None, None, OCI_AMD64.digest, OCI_ARM64.digest] == about


def test_a_dry_run_writes_the_exact_bytes_and_pushes_nothing(world: World) -> None:
    world.made()
    world.registry.requests.clear()
    ran = world.good("push", "--dry-run", f"@{LIST}")
    assert 0 == world.registry.count("PUT|POST|PATCH")
    assert f"would push {digest_of(ran.out.encode())}" in ran.err
    pushed = world.good("push", f"@{LIST}").out.strip()
    assert digest_of(ran.out.encode()) == pushed


def test_a_tag_that_moves_meanwhile_is_refused(world: World) -> None:
    world.made()
    world.place(LIST, OCI_AMD64)
    rival = faults.after(lambda it: place(it.demo, "multi", OCI_ARM64, "v1"))
    world.registry.fault(("PUT", "/multi/manifests/sha256:"), rival, 1)
    ran = world("push", f"@{LIST}")
    assert 1 == ran.code
    assert f"not pushed: {world.host}/{LIST} is as it was, {OCI_ARM64.digest}: moved" in ran.err
    assert "see what it is now, and run the same command again" in ran.err
    assert OCI_ARM64.digest == world.digest(LIST)


def test_a_registry_that_fails_ends_with_3(world: World) -> None:
    world.made()
    world.registry.fault(("PUT", AT_INDEX[1]), faults.status(500))
    ran = world("push", f"@{LIST}")
    assert 3 == ran.code
    assert "failed" in ran.err


def test_what_a_tag_pointed_at_is_restored_by_the_command_that_is_printed(world: World) -> None:
    world.made()
    world.place(LIST, OCI_AMD64)
    ran = world.good("push", f"@{LIST}")
    command = ran.err.partition("to restore that: mfl-lint manifest ")[2].split("\n")[0].split()
    over = ["--over", ran.out.strip()]
    assert ["restore", f"{world.host}/{LIST}@{OCI_AMD64.digest}", *over] == command
    world.good(*command)
    assert OCI_AMD64.digest == world.digest(LIST)
    world.good(*command)


def test_a_restore_says_what_is_found_and_which_platforms_go(world: World) -> None:
    world.made()
    world.good("push", f"@{LIST}")
    world.place("multi:alone", AMD64)
    ran = world.good("restore", f"@{LIST}@{AMD64.digest}")
    name = f"{world.host}/{LIST}"
    assert f"{name} is a list now, and will be one image" in ran.err
    assert f"{name} will not offer linux/arm64 any more" in ran.err
    wrong = index(OCI_AMD64, OCI_ARM64, annotate={1: {"platform": "linux/s390x"}})
    world.place("multi:wrong", wrong)
    ran = world.good("restore", f"@{LIST}@{wrong.digest}")
    assert "error MFL101 platform-contradicts-config" in ran.err
    assert "any more" not in ran.err
    assert wrong.digest == world.digest(LIST)


def test_a_restore_of_a_list_whose_image_is_gone_names_the_image(world: World) -> None:
    whole = index(OCI_AMD64, OCI_ARM64)
    world.place("multi:v1", whole)
    world.place("multi:v1", OCI_AMD64)
    world.registry.demo.delete_manifest("multi", OCI_ARM64.digest)
    ran = world("restore", f"@{LIST}@{whole.digest}")
    assert 1 == ran.code
    assert f"child {OCI_ARM64.digest} is missing in {world.host}/multi" in ran.err
    assert "MANIFEST_BLOB_UNKNOWN" not in ran.err
    assert OCI_AMD64.digest == world.digest(LIST)


@pytest.mark.parametrize("change", [("remove", "linux/arm64"), ("append", "@app-arm64:v1")])
def test_an_image_that_is_no_list_is_said_to_be_one_and_how_a_list_is_made(
    world: World, change: tuple[str, str]
) -> None:
    world.parts()
    world.place(LIST, AMD64)
    ran = world(change[0], f"@{LIST}", change[1])
    (line,) = ran.err.splitlines()
    assert (2, True) == (ran.code, f"{world.host}/{LIST} is one image, not a list" in line)
    assert f"`mfl-lint manifest create {world.host}/{LIST} IMAGE…`" in line


def test_a_draft_that_is_there_is_said_to_be_a_draft(world: World) -> None:
    world.made()
    ran = world("create", f"@{LIST}", "@app-amd64:v1")
    assert f"a draft is there (`mfl-lint manifest rm {world.host}/{LIST}` forgets it)" in ran.err


def test_a_push_that_went_well_only_notes_what_could_not_be_seen(world: World) -> None:
    world.made()
    ran = world.good("push", f"@{LIST}")
    (note,) = (line for line in ran.err.splitlines() if " ms " in line)
    assert note.startswith(f"mfl-lint: note: nobody else was seen to push to {world.host}/{LIST};")


def test_a_registry_that_is_read_only_is_said_to_take_no_pushes(world: World) -> None:
    world.made()
    world.registry.fault(("PUT|POST", "/"), faults.status(405))
    ran = world("push", f"@{LIST}")
    assert 1 == ran.code
    assert "it takes no pushes, as a registry that is read-only" in ran.err


def test_one_error_is_no_errors(world: World) -> None:
    world.made()
    world.good("annotate", f"@{LIST}", "@app-arm64:v1", "--arch", "s390x")
    assert "not pushed: 1 error in the list" in world("push", f"@{LIST}").err


@pytest.mark.parametrize(
    ("arch", "hint"),
    [
        ("foo", "known_platforms in the policy allows it"),
        ("arm46", "did you mean linux/arm64?"),
        ("loong46", "did you mean linux/loong64?"),
    ],
)
def test_only_an_architecture_that_is_spelt_alike_is_offered(
    world: World, arch: str, hint: str
) -> None:
    world.made()
    ran = world("annotate", f"@{LIST}", "@app-arm64:v1", "--arch", arch)
    assert f"linux/{arch}; {hint}" in ran.err


def test_a_restore_undoes_nothing_that_somebody_else_has_pushed_since(world: World) -> None:
    world.made()
    world.place(LIST, OCI_AMD64)
    ran = world.good("push", f"@{LIST}")
    command = ran.err.partition("to restore that: mfl-lint manifest ")[2].split("\n")[0].split()
    world.place(LIST, OCI_ARM64)
    world.registry.requests.clear()
    refused = world(*command)
    assert 1 == refused.code
    (line,) = refused.err.splitlines()
    assert f"points at {OCI_ARM64.digest} now, not at {command[-1]}" in line
    assert f"--over {OCI_ARM64.digest}" in line
    assert 0 == world.registry.count("PUT|POST|PATCH")
    assert OCI_ARM64.digest == world.digest(LIST)
    world.registry.demo.delete_repository("multi")
    assert "points at nothing now" in world(*command).err
    assert 2 == world("restore", command[1], "--over", "v1").code


def test_what_was_pushed_and_could_not_be_written_down_is_said_with_the_way_back(
    world: World,
) -> None:
    world.made()
    world.place(LIST, OCI_AMD64)
    journal = world.state / "pushes.jsonl"

    def spoil(_: FaultRegistry) -> None:
        journal.unlink()
        journal.mkdir()

    world.registry.fault(("PUT", AT_INDEX[1]), faults.after(spoil))
    ran = world("push", f"@{LIST}")
    assert (3, world.digest(LIST)) == (ran.code, ran.out.strip())
    assert f"pushed {world.host}/{LIST}" in ran.err
    assert f"@{OCI_AMD64.digest} --over {world.digest(LIST)}" in ran.err
    assert f"how it ended is not written down: {journal}: Is a directory" in ran.err


def test_restoring_what_is_gone_says_so(world: World) -> None:
    world.place(LIST, OCI_AMD64)
    assert 1 == world("restore", f"@{LIST}@{ARM64.digest}").code
    assert 2 == world("restore", f"@{LIST}").code
    assert OCI_AMD64.digest == world.digest(LIST)


def test_a_configured_database_has_the_audit(world: World) -> None:
    home = Path.home()
    url = f"sqlite:///{home}/own.db"
    with (home / "mfl-lint.toml").open("a") as file:
        file.write(f"[database]\nurl = '{url}'\n")
    world.made()
    ran = world("push", f"@{LIST}")
    assert (3, None) == (ran.code, world.digest(LIST))
    assert "there is no database" in ran.err
    upgrade(url)
    world.good("push", f"@{LIST}")
    with contextlib.closing(sqlite3.connect(home / "own.db")) as connection:
        rows = connection.execute("SELECT repository, tag, state FROM push_audit").fetchall()
    assert [("multi", "v1", "pushed")] == rows


def test_the_database_that_a_project_has_is_told_of_pushes(world: World) -> None:
    upgrade("sqlite:///mfl-lint.db")
    world.made()
    world.good("push", f"@{LIST}")
    with contextlib.closing(sqlite3.connect("mfl-lint.db")) as connection:
        rows = connection.execute("SELECT tag, state FROM push_audit").fetchall()
    assert [("v1", "pushed")] == rows


def test_drafts_lie_where_xdg_says(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    state = Path.home() / "elsewhere"
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    world.made()
    assert (state / "mfl-lint" / "drafts").is_dir()
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert [] == world.drafts()


def test_drafts_are_listed_for_people(world: World) -> None:
    world.made()
    ran = world.good("list")
    assert f"{world.host}/{LIST}  2 entries: linux/amd64, linux/arm64\n" == ran.out


def test_a_folder_that_cannot_be_written_is_said(world: World) -> None:
    world.parts()
    world.state.parent.mkdir(parents=True)
    world.state.write_text("a file")
    ran = world("create", f"@{LIST}", "@app-amd64:v1")
    assert 2 == ran.code
    assert "drafts: Not a directory" in ran.err


def test_an_image_is_appended_behind_all_others(world: World) -> None:
    world.place("list:v1", index(OCI_AMD64, OCI_ARM64))
    world.place("new:v1", S390X)
    world.good("append", "@list:v1", "@new:v1")
    assert ["linux/amd64", "linux/arm64", "linux/s390x"] == _entries(world, "list:v1")
    assert [] == world.registry.demo.missing("list", S390X.raw)


def test_an_image_for_a_platform_that_is_there_takes_its_place(world: World) -> None:
    built = index(OCI_AMD64, OCI_ARM64, attestation(OCI_AMD64), attestation(OCI_ARM64))
    world.place("list:v1", built)
    world.place("new:v1", OTHER)
    ran = world.good("append", "@list:v1", "@new:v1")
    entries = world.stored("list:v1")["manifests"]
    expected = [OTHER.digest, OCI_ARM64.digest, attestation(OCI_ARM64).digest]
    assert expected == [entry["digest"] for entry in entries]
    assert f"replace linux/amd64 {OCI_AMD64.digest} by {OTHER.digest}" in ran.err
    assert f"it attests {OCI_AMD64.digest}, which goes" in ran.err


def test_what_is_there_already_changes_nothing(world: World) -> None:
    world.place("list:v1", index(OCI_AMD64, OCI_ARM64))
    world.place("same:v1", OCI_ARM64)
    before = world.digest("list:v1")
    ran = world.good("append", "@list:v1", "@same:v1")
    assert before == world.digest("list:v1")
    assert "is there already" in ran.err


@pytest.mark.parametrize("built", [OCI_AMD64, S390X])
def test_an_image_that_is_appended_twice_is_taken_once(world: World, built: Built) -> None:
    """One replaces an entry, and one is added."""
    world.place("list:v1", index(OTHER, OCI_ARM64))
    world.place("one:v1", built)
    world.place("two:v1", built)
    ran = world.good("append", "@list:v1", "@one:v1", "@two:v1")
    assert 1 == [one["digest"] for one in world.stored("list:v1")["manifests"]].count(built.digest)
    assert "is named twice, and taken once" in ran.err


def test_two_images_of_one_platform_are_refused(world: World) -> None:
    world.place("list:v1", index(OCI_ARM64))
    world.place("one:v1", OCI_AMD64)
    world.place("two:v1", OTHER)
    ran = world("append", "@list:v1", "@one:v1", "@two:v1")
    assert 2 == ran.code
    assert "cannot include two manifests with the same platform linux/amd64" in ran.err


def test_entries_are_removed_by_platform_or_digest_with_their_attestations(world: World) -> None:
    built = index(OCI_AMD64, OCI_ARM64, S390X, attestation(OCI_AMD64), attestation(S390X))
    world.place("list:v1", built)
    world.good("remove", "@list:v1", "linux/amd64", S390X.digest)
    assert ["linux/arm64"] == _entries(world, "list:v1")


def test_what_is_not_in_the_list_cannot_be_removed(world: World) -> None:
    world.place("list:v1", index(OCI_AMD64))
    ran = world("remove", "@list:v1", "linux/s390x")
    assert 2 == ran.code
    assert "the list has no entry 'linux/s390x'; it has: linux/amd64" in ran.err
    assert 2 == world("remove", "@list:v1", "s390x").code


def test_the_last_image_is_not_removed(world: World) -> None:
    world.place("list:v1", index(OCI_AMD64))
    ran = world("remove", "@list:v1", "linux/amd64")
    assert 1 == ran.code
    assert "error MFL211" in ran.err


def test_faults_that_were_there_before_do_not_stop_a_change(world: World) -> None:
    world.place("list:v1", index(OCI_AMD64, OCI_ARM64, S390X))
    world.registry.demo.delete_manifest("list", OCI_ARM64.digest)
    ran = world.good("remove", "@list:v1", "linux/s390x")
    assert "error MFL201" in ran.err
    assert ["linux/amd64", "linux/arm64"] == _entries(world, "list:v1")


def test_a_change_goes_to_another_tag_and_leaves_its_own(world: World) -> None:
    built = index(OCI_AMD64, OCI_ARM64)
    world.place("list:v1", built)
    world.good("remove", "@list:v1", "linux/arm64", "--to", "v2")
    assert built.digest == world.digest("list:v1")
    assert ["linux/amd64"] == _entries(world, "list:v2")


def test_a_tag_that_is_none_is_refused_before_anything_is_looked_at(world: World) -> None:
    for command in ("append", "remove", "merge"):
        ran = world(command, "@list:v1", "@new:v1", "--to", "v 2")
        assert (2, 0) == (ran.code, world.registry.count())
        assert "--to 'v 2' is no tag" in ran.err


def test_lists_are_merged_into_a_new_one_or_one_that_is_there(world: World) -> None:
    world.place("a:v1", index(OCI_AMD64, attestation(OCI_AMD64)))
    world.place("b:v1", index(OCI_ARM64, attestation(OCI_ARM64)))
    world.place("c:v1", S390X)
    world.good("merge", "@all:v1", "@a:v1", "@b:v1")
    wanted = ["linux/amd64", "linux/arm64", "unknown/unknown", "unknown/unknown"]
    assert wanted == _entries(world, "all:v1")
    world.good("merge", "@all:v1", "@c:v1", "@b:v1")
    assert [*wanted, "linux/s390x"] == _entries(world, "all:v1")


def test_what_lists_that_are_merged_have_in_common_is_taken_once(world: World) -> None:
    parts = (OCI_AMD64, attestation(OCI_AMD64))
    world.place("a:v1", index(*parts))
    world.place("b:v1", index(OCI_ARM64, *parts))
    world.good("merge", "@all:v1", "@a:v1", "@b:v1", "@a:v1")
    assert ["linux/amd64", "linux/arm64", "unknown/unknown"] == _entries(world, "all:v1")


@pytest.mark.parametrize(
    "built",
    [
        index(OCI_AMD64, attestation(OCI_AMD64), OCI_ARM64, attestation(OCI_ARM64)),
        index(OCI_AMD64, OTHER, OCI_ARM64, OCI_ARM64),
        index(OCI_AMD64, OCI_ARM64, annotate={1: {"platform": None}}),
    ],
)
def test_a_list_that_is_merged_with_itself_stays_as_it_is(world: World, built: Built) -> None:
    world.place("list:v1", built)
    ran = world.good("merge", "@list:v1", "@list:v1")
    assert (built.digest, built.digest) == (world.digest("list:v1"), ran.out.strip())


def test_annotations_artifact_types_and_unknown_keys_of_a_list_stay(world: World) -> None:
    fields = json.loads(index(OCI_AMD64, OCI_ARM64).raw)
    fields |= {"artifactType": "a/b", "annotations": {"x": "y"}, "more": [1.50, {"é": None}]}
    raw = json.dumps(fields, indent="\t").encode()
    world.place("list:v1", index(OCI_AMD64, OCI_ARM64))
    world.registry.demo.put_manifest("list", raw, OCI_INDEX, "v1")
    world.place("new:v1", S390X)
    world.good("append", "@list:v1", "@new:v1")
    grown = world.stored("list:v1")
    assert {**fields, "manifests": grown["manifests"]} == grown
    world.good("remove", "@list:v1", "linux/s390x")
    assert digest_of(raw) == world.digest("list:v1")


def test_an_unknown_subcommand_gets_a_suggestion(world: World) -> None:
    ran = world("anotate")
    assert 2 == ran.code
    assert "did you mean annotate?" in ran.err


def test_many_processes_that_amend_one_list_lose_nothing_of_each_other(
    served: FaultRegistry, process: Command
) -> None:
    names = []
    for number in range(6):
        built = image("linux", "amd64", name=f"part {number}")
        place(served.demo, f"part{number}", built, "v1")
        names.append(f"{served.host}/part{number}:v1")
    target = f"{served.host}/{LIST}"
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        ran = list(pool.map(lambda one: process("manifest", "create", "-a", target, one), names))
    assert [0] * 6 == [one.code for one in ran], ran
    shown = json.loads(process("manifest", "list", "--json").out)["drafts"]
    assert [sorted(names)] == [sorted(one["name"] for one in draft["entries"]) for draft in shown]


def test_nothing_is_half_written_where_the_disk_is_full(world: World) -> None:
    world.made("@app-amd64:v1")
    (path,) = (world.state / "drafts").glob("*.json")
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, hard))
    try:
        ran = world("create", "--amend", f"@{LIST}", "@app-arm64:v1")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert 2 == ran.code
    assert "File too large" in ran.err
    assert before == path.read_bytes()
    assert [path] == [one for one in (world.state / "drafts").iterdir() if one.name != "lock"]


def test_a_template_is_filled_with_platforms_that_something_is_built_for(command: Command) -> None:
    asked = ("--template", "app-ARCH:v1", "--target", "app:v1", "--platforms")
    ran = command("manifest", "apply", *asked, "linux/arm64,linux/amd46")
    assert 2 == ran.code
    assert "--platforms: nothing is built for 'linux/amd46'" in ran.err
    assert 'did you mean "linux/amd64"?' in ran.err
