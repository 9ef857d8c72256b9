import io
import os
from pathlib import Path

import pytest

from mfl_lint.core.errors import InputInvalid
from mfl_lint.inputs.found import Contents
from mfl_lint.inputs.read import MAX_BYTES, MAX_DEPTH, MAX_FILES, Settings, read_files, read_text


def _read(*names: str | Path, stdin: bytes = b"", **environment: str) -> Contents:
    return read_files([str(name) for name in names], io.BytesIO(stdin), Settings(environment))


def _texts(contents: Contents) -> list[tuple[str, str, int]]:
    return [(item.text, Path(item.file).name, item.line) for item in contents.found]


def test_files_of_every_kind_are_read_together(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM a\n")
    (tmp_path / "compose.yaml").write_text("services: {x: {image: b}}\n")
    (tmp_path / "pod.yaml").write_text(
        "apiVersion: v1\nkind: Pod\nspec: {containers: [{image: c}]}\n"
    )
    names = [tmp_path / name for name in ("Dockerfile", "compose.yaml", "pod.yaml")]
    contents = _read(*names, "-", stdin="\ufeffd\n".encode())
    assert [
        ("a", "Dockerfile", 1),
        ("b", "compose.yaml", 1),
        ("c", "pod.yaml", 3),
        ("d", "stdin", 1),
    ] == _texts(contents)


def test_the_environment_wins_over_the_file_beside(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TAG=file\nOTHER=o\n")
    path = tmp_path / "compose.yaml"
    path.write_text("services: {a: {image: 'a:$TAG'}, b: {image: 'b:$OTHER'}}\n")
    assert ["a:file", "b:o"] == [item.text for item in _read(path).found]
    assert ["a:given", "b:o"] == [item.text for item in _read(path, TAG="given").found]


def test_included_files_are_followed(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "compose.yaml").write_text("include: [sub/more.yaml, none.yaml]\n")
    (tmp_path / "sub" / "more.yaml").write_text("services: {a: {image: 'a:$TAG'}}\n")
    (tmp_path / "sub" / ".env").write_text("TAG=1\n")
    contents = _read(tmp_path / "compose.yaml")
    assert [("a:1", "more.yaml", 1)] == _texts(contents)
    assert ["none.yaml"] == [item.text for item in contents.unresolved]


def test_what_the_including_file_knows_wins_over_the_included_ones_own(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / ".env").write_text("TAG=outer\nMORE=m\n")
    (tmp_path / "compose.yaml").write_text("include: [sub/more.yaml]\n")
    (tmp_path / "sub" / "more.yaml").write_text(
        "services: {a: {image: 'a:${TAG:-guess}'}, b: {image: 'b:$MORE-$OWN'}}\n"
    )
    (tmp_path / "sub" / ".env").write_text("TAG=inner\nOWN=o\n")
    texts = [item.text for item in _read(tmp_path / "compose.yaml").found]
    assert ["a:outer", "b:m-o"] == texts


def test_a_kustomization_changes_the_images_of_its_resources(tmp_path: Path) -> None:
    base, overlay = tmp_path / "base", tmp_path / "overlay"
    base.mkdir()
    overlay.mkdir()
    (base / "pod.yaml").write_text(
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: app:1\n"
    )
    (base / "kustomization.yaml").write_text(
        "resources: [pod.yaml]\nimages: [{name: app, newName: mirror/app}]\n"
    )
    (overlay / "kustomization.yaml").write_text(
        "resources: [../base, 'https://example.org/x']\nimages: [{name: mirror/app, newTag: v2}]\n"
    )
    contents = _read(overlay / "kustomization.yaml")
    assert [("mirror/app:v2", "pod.yaml", 5)] == _texts(contents)
    assert contents.found[0].note.endswith("overlay/kustomization.yaml:2")
    (remote,) = contents.unresolved
    assert ("https://example.org/x", 1) == (remote.text, remote.line)


def test_files_that_include_one_another_are_read_once(tmp_path: Path) -> None:
    for at in range(2):
        (tmp_path / f"c{at}.yaml").write_text(
            f"include: [c{1 - at}.yaml, c{at}.yaml]\nservices: {{a: {{image: i{at}}}}}\n"
        )
    contents = _read(tmp_path / "c0.yaml")
    assert [("i0", "c0.yaml", 2), ("i1", "c1.yaml", 2)] == _texts(contents)
    assert () == contents.unresolved


def test_files_that_include_others_without_end_are_bounded(tmp_path: Path) -> None:
    for at in range(MAX_DEPTH + 3):
        (tmp_path / f"c{at}.yaml").write_text(f"include: [c{at + 1}.yaml]\n")
    assert "files are followed" in _read(tmp_path / "c0.yaml").unresolved[0].why
    (tmp_path / "all.yaml").write_text(f"include: {[f'n{at}.yaml' for at in range(300)]}\n")
    for at in range(300):
        (tmp_path / f"n{at}.yaml").write_text("services: {a: {image: x}}\n")
    contents = _read(tmp_path / "all.yaml")
    assert (MAX_FILES, 300 - MAX_FILES) == (len(contents.found), len(contents.unresolved))


@pytest.mark.parametrize("named", ["/etc/hostname", "~/x", "pipe", "https://x/y", "../../../none"])
def test_only_regular_files_beside_a_file_are_followed(tmp_path: Path, named: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "compose.yaml").write_text(f"include: ['{named}']\n")
    contents = _read(tmp_path / "compose.yaml")
    assert ([named], ()) == ([item.text for item in contents.unresolved], contents.found)


def test_nothing_is_followed_from_the_standard_input() -> None:
    contents = _read("-", stdin=b"include: [x.yaml]\n")
    assert ["x.yaml"] == [item.text for item in contents.unresolved]


@pytest.mark.parametrize(
    ("name", "raw", "said"),
    [
        ("values.yaml", b"image: {tag: 1}\n", "values.yaml: neither Compose"),
        ("list.yaml", b"- alpine\n- busybox\n", "list.yaml: neither Compose"),
        ("one.yml", b"alpine:3.20\n", "one.yml: neither Compose"),
        ("none.json", b"[]\n", "none.json: neither Compose"),
        ("t.yaml", b"{{ if .Values.x }}\na: b\n", "not YAML"),
        ("refs.txt", b"# nothing\n", "refs.txt: it holds no reference"),
        ("a.yaml", b"a: b\n\xff\n", "a.yaml:2: it is not UTF-8"),
        ("b.txt", b"x" * (MAX_BYTES + 1), f"more than {MAX_BYTES} bytes"),
        ("c.txt", b"a\n" * 10_001, "more than 10000 references"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path: Path, name: str, raw: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(InputInvalid) as caught:
        _read(tmp_path / name)
    assert said in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputInvalid, match=r"none\.yaml: No such file"):
        _read(tmp_path / "none.yaml")
    with pytest.raises(InputInvalid, match="it is a directory: name a file in it"):
        _read(tmp_path)


def test_objects_without_images_are_read_and_give_none() -> None:
    for text in ("", "---\n# empty\n", "apiVersion: v1\nkind: ConfigMap\ndata: {image: x}\n"):
        assert () == read_text(text, "k.yaml", Settings()).found
