"""What a user may type, and what is said about what cannot be meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from mfl_lint.core.errors import ReferenceInvalid
from mfl_lint.core.reference import Reference
from mfl_lint.registry.target import (
    ArchiveTarget,
    FileTarget,
    LayoutTarget,
    NamespaceTarget,
    ReferenceTarget,
    StdinTarget,
    Target,
    find_target,
    parse_target,
)

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-", StdinTarget()),
        ("file:index.json", FileTarget(Path("index.json"))),
        ("file:a:b", FileTarget(Path("a:b"))),
        ("oci:images", LayoutTarget(Path("images"))),
        ("oci:images:v1", LayoutTarget(Path("images"), "v1")),
        ("oci:a:b:v1", LayoutTarget(Path("a:b"), "v1")),
        ("oci:a:b/c", LayoutTarget(Path("a:b/c"))),
        ("oci::v1", LayoutTarget(Path(":v1"))),
        ("oci:./-", LayoutTarget(Path("-"))),
        ("oci-archive:images.tar", ArchiveTarget(Path("images.tar"))),
        ("oci-archive:/tmp/images.tar:v1", ArchiveTarget(Path("/tmp/images.tar"), "v1")),
        ("busybox", ReferenceTarget(Reference("docker.io", "library/busybox"))),
        ("localhost:5000/a:v1", ReferenceTarget(Reference("localhost:5000", "a", "v1"))),
        ("ociregistry/a", ReferenceTarget(Reference("docker.io", "ociregistry/a"))),
        ("registry.example/*", NamespaceTarget("registry.example", "*")),
        ("registry.example:5000/team/*", NamespaceTarget("registry.example:5000", "team/*")),
        ("registry.example/team/app-*", NamespaceTarget("registry.example", "team/app-*")),
        ("localhost/team/app?", NamespaceTarget("localhost", "team/app?")),
        ("docker.io/library/*", NamespaceTarget("docker.io", "library/*")),
        ("docker.io/*", NamespaceTarget("docker.io", "*")),
        ("index.docker.io/team/*", NamespaceTarget("docker.io", "team/*")),
        ("ppc64le/*", NamespaceTarget("docker.io", "ppc64le/*")),
        ("library/*", NamespaceTarget("docker.io", "library/*")),
        ("*/app", NamespaceTarget("docker.io", "*/app")),
    ],
)
def test_targets_are_told_apart_by_how_they_are_written(text: str, expected: Target) -> None:
    assert expected == parse_target(text)


def test_a_tag_is_part_of_the_path_where_that_path_exists(tmp_path: Path) -> None:
    (tmp_path / "images:v1").mkdir()
    (tmp_path / "images.tar:v1").touch()
    assert LayoutTarget(tmp_path / "images:v1") == parse_target(f"oci:{tmp_path}/images:v1")
    whole = parse_target(f"oci-archive:{tmp_path}/images.tar:v1")
    assert ArchiveTarget(tmp_path / "images.tar:v1") == whole


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("", "not a reference"),
        ("oci:", "write oci:PATH"),
        ("oci-archive:", "write oci-archive:PATH"),
        ("file:", "write file:PATH"),
        ("file:a\0b", "NUL"),
        ("docker-archive:a.tar", "skopeo copy docker-archive:a.tar oci:DIR:TAG"),
        ("docker-daemon:" + "a" * 900, "make a layout of it"),
        ("docker://busybox", "without scheme: busybox"),
        ("https://registry.example/a", "without scheme: registry.example/a"),
        ("app*", "write REGISTRY/NAMESPACE/*"),
        ("registry.example/app:v*", "not of tags"),
        (f"registry.example/*@{DIGEST}", "not of tags"),
        ("registry.*/app", "not of tags or hosts"),
        ("registry.example/../*", "not of tags"),
        ("registry.example//*", "not of tags"),
        ("registry.example/A*", "not of tags"),
        ("registry.example/" + "a" * 300 + "*", "not of tags"),
        ("bad host/*", "not a reference"),
        ("UPPER", "lower case"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line_of_advice(text: str, advice: str) -> None:
    with pytest.raises(ReferenceInvalid) as caught:
        parse_target(text)
    assert advice in str(caught.value)
    assert "\n" not in str(caught.value)
    assert 400 > len(str(caught.value))


@pytest.mark.parametrize("text", ["./layout", "../layout", "/srv/layout", "~/layout"])
def test_a_path_is_told_how_to_be_written(text: str) -> None:
    with pytest.raises(ReferenceInvalid, match="looks like a path: write oci:DIR"):
        parse_target(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("file:none", "none: No such file or directory"),
        ("oci:none", "none: No such file or directory"),
        ("oci:none:v1", "none: No such file or directory"),
        ("oci-archive:none", "none: No such file or directory"),
        ("oci-archive:plain/x", "plain/x: Not a directory"),
        ("file:folder", "folder: it is a directory: write oci:DIR"),
        ("oci:plain", "plain: it is no directory: write oci-archive:FILE or file:FILE"),
        ("file:/dev/null", "/dev/null: it is no regular file"),
    ],
)
def test_what_is_not_on_the_disk_is_a_mistake(
    text: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "plain").touch()
    with pytest.raises(ReferenceInvalid) as caught:
        find_target(text)
    assert why == str(caught.value)


def test_what_is_there_or_elsewhere_is_none(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    for text in (f"oci:{tmp_path}", f"file:{tmp_path}/plain", f"oci-archive:{tmp_path}/plain"):
        assert parse_target(text) == find_target(text)
    for text in ("-", "busybox", "busybox/*"):
        assert parse_target(text) == find_target(text)
