from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.inside import Started, candidates, interpreter_of, started
from mfl_lint.core.layer import LayerSummary
from mfl_lint.core.manifest import ImageConfig
from mfl_lint.core.parse import parse_config
from mfl_lint.registry.layers import LayerLimits
from tests.programs import File, elf, exe, file, folder, hard, inside, link, pe, summary

APP, BASE = elf("arm64"), elf("amd64")
MUSL = "/lib/ld-musl-aarch64.so.1"


def config(
    *command: str, os: str = "linux", env: tuple[str, ...] = (), **fields: object
) -> ImageConfig:
    process = {"Entrypoint": list(command), "Env": list(env), **fields}
    raw = json.dumps({"os": os, "architecture": "arm64", "config": process}).encode()
    return parse_config(raw, digest_of(raw))


def run(settings: ImageConfig, *layers: tuple[File, ...] | LayerSummary | None) -> Started:
    read = [summary(*one) if isinstance(one, tuple) else one for one in layers]
    return started(inside(*read), settings)


def proven(found: Started) -> list[tuple[str, str]]:
    """Return the path and the machine of each program."""
    return [(one.path, one.executable.machine) for one in found.programs]


def only(found: Started) -> tuple[str, str]:
    assert "" == found.unknown
    ((path, machine),) = proven(found)
    return path, machine


def test_an_absolute_entrypoint_is_found_with_its_layer() -> None:
    base, top = summary(exe("bin/sh", BASE)), summary(exe("app", APP))
    found = started(inside(base, top), config("/app", "serve"))
    assert ("/app", "arm64") == only(found)
    assert (top.digest, ("/app",), ()) == (found.programs[0].layer, found.chain, found.loaders)


@pytest.mark.parametrize(
    ("command", "workdir"),
    [("./app", "/srv"), ("app/../app", "/srv"), ("srv/app", ""), ("../srv/app", "/srv/")],
)
def test_a_relative_entrypoint_starts_at_the_working_directory(command: str, workdir: str) -> None:
    files: tuple[File, ...] = (exe("srv/app", APP), folder("srv/app.d"))
    if command.startswith("app/"):
        files = (exe("srv/app", APP),)
        assert "no layer has" in run(config(command, WorkingDir=workdir), files).unknown
        return
    assert ("/srv/app", "arm64") == only(run(config(command, WorkingDir=workdir), files))


def test_a_name_is_looked_for_along_path() -> None:
    files = (file("opt/bin/app", APP), exe("usr/bin/app", APP), folder("bin/app"))
    assert (
        "/usr/bin/app" == only(run(config("app", env=("PATH=/opt/bin:/bin:/usr/bin",)), files))[0]
    )


def test_without_path_the_engines_own_counts() -> None:
    files = (exe("usr/local/bin/app", APP), exe("bin/app", BASE))
    assert "/usr/local/bin/app" == only(run(config("app"), files))[0]
    assert "no layer has" in run(config("app", env=("PATH=",)), files).unknown


def test_the_last_path_and_the_working_directory_in_it_count() -> None:
    env = ("PATH=/bin", "PATH=::tools")
    files = (exe("bin/app", BASE), exe("srv/tools/app", APP))
    assert "/srv/tools/app" == only(run(config("app", env=env, WorkingDir="/srv"), files))[0]


def test_without_entrypoint_the_command_counts_and_without_both_nothing() -> None:
    files = (exe("bin/app", APP),)
    assert "/bin/app" == only(run(config(Cmd=["app"]), files))[0]
    expected = "the config names neither an entrypoint nor a command"
    assert expected == run(config(), files).unknown
    assert expected == run(config(""), files).unknown


def test_the_shell_form_starts_the_shell() -> None:
    files = (exe("bin/busybox", BASE), link("bin/sh", "/bin/busybox"), exe("app", APP))
    found = run(config("/bin/sh", "-c", "exec /app"), files)
    assert ("/bin/busybox", "amd64") == only(found)
    assert ("/bin/sh", "/bin/busybox") == found.chain


def test_links_are_followed_over_layers() -> None:
    base = (link("bin", "usr/bin"), exe("usr/bin/real", APP), link("usr/bin/alt", "real"))
    top = (link("app", "etc/../bin/alt"), folder("etc"))
    found = run(config("/app"), base, top)
    assert ("/usr/bin/real", "arm64") == only(found)
    assert ("/app", "/bin", "/usr/bin/alt", "/usr/bin/real") == found.chain


def test_a_loop_of_links_is_unknown() -> None:
    found = run(config("/a"), (link("a", "b"), link("b", "a")))
    assert "leads through more than 40 links" in found.unknown


def test_hard_links_are_the_same_file() -> None:
    files = (exe("bin/real", APP), hard("bin/one", "bin/real"), hard("app", "bin/one"))
    assert ("/app", "arm64") == only(run(config("/app"), files))
    assert "a hard link" in run(config("/x"), (hard("x", "y"), hard("y", "x"))).unknown
    assert "leads to no file: gone" in run(config("/x"), (hard("x", "gone"),)).unknown


def test_a_script_starts_its_interpreter() -> None:
    files = (exe("run", b"#!/bin/sh\n"), exe("bin/sh", APP))
    found = run(config("/run"), files)
    assert ("/bin/sh", "arm64") == only(found)
    assert ("/run", "/bin/sh") == found.chain


def test_env_and_what_it_starts_are_both_started() -> None:
    files = (
        exe("run", b"#!/usr/bin/env python3\n"),
        exe("usr/bin/env", BASE),
        exe("opt/python3", APP),
    )
    found = run(config("/run", env=("PATH=/opt",)), files)
    assert [("/usr/bin/env", "amd64"), ("/opt/python3", "arm64")] == proven(found)


def test_what_env_does_not_find_is_unknown_but_env_is_known() -> None:
    files = (exe("run", b"#!/usr/bin/env python3\n"), exe("usr/bin/env", BASE))
    found = run(config("/run"), files)
    assert [("/usr/bin/env", "amd64")] == proven(found)
    assert "no layer has an executable file 'python3'" == found.unknown


@pytest.mark.parametrize(
    ("shebang", "expected"),
    [
        ("/bin/sh", ("/bin/sh", "")),
        ("/bin/sh -e", ("/bin/sh", "")),
        ("/usr/bin/env python3", ("/usr/bin/env", "python3")),
        ("/usr/bin/env\tpython3", ("/usr/bin/env", "python3")),
        ("/usr/bin/env -S python3 -u", ("/usr/bin/env", "python3")),
        ("/usr/bin/env -SA=b python3 -u", ("/usr/bin/env", "python3")),
        ("/usr/bin/env -i", ("/usr/bin/env", "")),
        ("/usr/bin/env", ("/usr/bin/env", "")),
        ("sh", ("./sh", "")),
    ],
)
def test_the_line_of_a_script_names_what_runs(shebang: str, expected: tuple[str, str]) -> None:
    name, command = interpreter_of(shebang)
    assert expected == (name, command if "env" in name else "")


def test_a_chain_of_scripts_ends() -> None:
    found = run(config("/a"), (exe("a", b"#!/b\n"), exe("b", b"#!/a\n")))
    assert "/b leads through more than 6 scripts" == found.unknown


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ((file("app", APP),), "no layer has an executable file '/app'"),
        ((folder("app"),), "no layer has an executable file '/app'"),
        ((exe("app", b"echo hello\n"),), "/app is neither a program nor a script with #!"),
        ((exe("app", b"#!/bin/sh\n"),), "no layer has an executable file '/bin/sh'"),
        ((exe("app", b"#!\n"),), "/app is neither a program nor a script with #!"),
        ((exe("app", APP), file(".wh.x"), link("app", "nothing")), "no layer has an executable"),
    ],
)
def test_what_cannot_be_started_is_unknown(files: tuple[File, ...], expected: str) -> None:
    assert expected in run(config("/app"), files).unknown


def test_the_upper_layer_wins() -> None:
    assert "arm64" == only(run(config("/app"), (exe("app", BASE),), (exe("app", APP),)))[1]


@pytest.mark.parametrize(
    "upper",
    [
        (file("srv/.wh.app"),),
        (file(".wh.srv"),),
        (file("srv/.wh..wh..opq"),),
        (file(".wh..wh..opq"),),
        (file("srv"),),
        (folder("srv/app"),),
    ],
)
def test_what_an_upper_layer_hides_is_gone(upper: tuple[File, ...]) -> None:
    lower = (folder("srv"), exe("srv/app", BASE))
    assert "no layer has" in run(config("/srv/app"), lower, upper).unknown
    again = run(config("/srv/app"), lower, upper, (folder("srv"), exe("srv/app", APP)))
    assert "arm64" == only(again)[1]


def test_a_whiteout_spares_its_own_layer() -> None:
    upper = (file("srv/.wh..wh..opq"), file("srv/.wh.app"), exe("srv/app", APP))
    assert "arm64" == only(run(config("/srv/app"), (exe("srv/app", BASE),), upper))[1]


def test_a_listed_directory_hides_a_link_and_one_that_is_not_listed_is_ambiguous() -> None:
    base = (link("bin", "usr/bin"), exe("usr/bin/app", APP))
    assert "no layer has" in run(config("/bin/app"), base, (folder("bin"), file("bin/x"))).unknown
    assert "which is a link there" in run(config("/bin/app"), base, (file("bin/x"),)).unknown
    assert "amd64" == only(run(config("/bin/app"), base, (exe("bin/app", BASE),)))[1]


def test_the_loader_is_found_through_links() -> None:
    app = exe("app", elf("arm64", loader=MUSL))
    base = (link("lib", "usr/lib"), exe("usr/lib/libc.so", APP), link(f"usr{MUSL}", "libc.so"))
    found = run(config("/app"), base, (app,))
    ((path, machine),) = [(one.path, one.executable.machine) for one in found.loaders]
    assert ("/usr/lib/libc.so", "arm64") == (path, machine)
    assert ((), 2) == (found.without_loader, len(found.proofs))


def test_a_loader_in_no_layer_is_missing_once_all_layers_were_read() -> None:
    app = (exe("app", elf("arm64", loader=MUSL)),)
    found = run(config("/app"), (), app)
    assert (found.programs, "") == (found.without_loader, found.unknown)
    unread = run(config("/app"), None, app)
    assert ((), 0, 1) == (unread.without_loader, unread.wants, len(unread.programs))


def test_no_layer_below_the_one_that_decides_is_wanted() -> None:
    top = (folder("srv"), exe("srv/app", APP))
    assert None is run(config("/srv/app"), None, None, top).wants
    assert 2 == run(config("/srv/app"), None, None, None).wants
    assert 1 == run(config("/srv/app"), None, None, (folder("srv"),)).wants
    assert None is run(config("/srv/app"), None, (folder("srv"), file("srv/.wh.app"))).wants


def test_a_name_wants_every_layer_before_a_later_folder_of_path_counts() -> None:
    env = ("PATH=/opt:/bin",)
    found = run(config("app", env=env), None, (exe("bin/app", APP),))
    assert (0, {"opt/app", "bin/app"}) == (found.wants, set(found.wants_paths))
    assert "/bin/app" == only(run(config("app", env=env), (), (exe("bin/app", APP),)))[0]


def test_a_layer_that_failed_is_unknown_and_not_wanted() -> None:
    top, bottom = summary(folder("srv")), summary(exe("srv/app", APP))
    unread = inside(None, top, problems={Digest(digest_of(b"0")): "timed out"})
    found = started(unread, config("/srv/app"))
    assert ("a layer was not read: timed out", None) == (found.unknown, found.wants)
    cut = LayerSummary(bottom.digest, bottom.members, problem="its gzip is cut")
    found = started(inside(cut, top), config("/srv/app"))
    assert ("a layer was not read: its gzip is cut", None) == (found.unknown, found.wants)


def test_a_layer_of_too_many_files_is_wanted_again_with_the_paths_to_watch() -> None:
    files = [file(f"lib/{number}") for number in range(50)]
    limits = LayerLimits(members=10)
    settings = config("/run")
    base = (exe("bin/sh", APP),)
    top = summary(*files, exe("run", b"#!/bin/sh\n"), limits=limits)
    found = run(settings, base, top)
    assert (1, {"run", "bin/sh"}) == (found.wants, set(found.wants_paths))
    again = summary(*files, exe("run", b"#!/bin/sh\n"), limits=limits, watched=found.wants_paths)
    assert ("/bin/sh", "arm64") == only(run(settings, base, again))


def test_candidates_are_where_the_command_may_be() -> None:
    assert {"srv/app"} == candidates(config("./app", WorkingDir="/srv"))
    assert {"a/app", "b/app"} == candidates(config("app", env=("PATH=/a:/b/",)))
    assert 64 == len(candidates(config("app", env=("PATH=" + ":".join(map(str, range(999))),))))
    assert set() == candidates(config()) | candidates(config("app.exe", os="windows"))


@pytest.mark.parametrize(
    "command", ["C:\\App\\tool.exe", "tool.exe", "TOOL", "c:/app/Tool.EXE", "\\app\\tool"]
)
def test_windows_paths_are_found_whatever_their_case(command: str) -> None:
    layer = (folder("Files/App"), exe("Files/App/Tool.exe", pe()), file("Hives/Software_Delta"))
    found = run(config(command, os="windows", WorkingDir="C:\\app"), layer)
    assert ("/app/tool.exe", "amd64") == only(found)


def test_windows_looks_along_path_in_the_layers_below() -> None:
    base = (exe("Files/Windows/System32/cmd.exe", pe()),)
    assert "/windows/system32/cmd.exe" == only(run(config("cmd", os="windows"), base, ()))[0]
    env = ("Path=c:\\tools;c:\\windows\\system32",)
    top = (exe("Files/tools/cmd.exe", pe(0xAA64)),)
    assert "arm64" == only(run(config("cmd", os="windows", env=env), base, top))[1]
    line = config('"C:\\tools\\cmd.exe" /c x', os="windows", ArgsEscaped=True)
    assert "/tools/cmd.exe" == only(run(line, base, top))[0]


@pytest.mark.parametrize(
    "raw",
    [b"", b"[]", b'{"config": 1}', b'{"config": {"Cmd": 1, "Env": {}, "WorkingDir": []}}'],
)
def test_a_config_of_any_shape_crashes_nothing(raw: bytes) -> None:
    found = run(parse_config(raw, digest_of(raw)), (exe("app", APP),))
    assert "the config names neither an entrypoint nor a command" == found.unknown


def test_hostile_depth_ends() -> None:
    deep = "/".join(["d"] * 1000)
    loops = [link(f"{deep}/l{number}", f"/{deep}/l{number + 1}") for number in range(60)]
    layers = [summary(*loops), *(summary(file(f"{deep}/f{n}")) for n in range(30))]
    found = run(config(f"/{deep}/l0"), *layers)
    assert found.unknown
    assert "no layer has" in run(config("/" + "x/" * 100_000), layers[0]).unknown


PARTS = st.sampled_from(["a", "b", "..", ".", "", "bin", "/a", "b/c"])
PATHS = st.lists(PARTS, min_size=1, max_size=4).map("/".join)
FILES = st.one_of(
    st.builds(exe, PATHS, st.sampled_from([APP, BASE, b"#!/a\n", b"#!/bin/env b\n", b""])),
    st.builds(link, PATHS, PATHS),
    st.builds(hard, PATHS, PATHS),
    st.builds(folder, PATHS),
    PATHS.map(lambda path: file(f"{path}/.wh.a")),
    PATHS.map(lambda path: file(f"{path}/.wh..wh..opq")),
)


@given(st.lists(st.lists(FILES, max_size=5), max_size=4), PATHS, st.integers(0, 4))
def test_any_layers_end_in_an_answer(layers: list[list[File]], path: str, unread: int) -> None:
    read = [None if n < unread else summary(*files) for n, files in enumerate(layers)]
    found = run(config(path, WorkingDir="/b"), *read)
    assert found.unknown or found.programs
    assert found.wants is None or read[found.wants] is None
