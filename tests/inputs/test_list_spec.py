from __future__ import annotations

import pytest

from mfl_lint.core.errors import ReferenceInvalid
from mfl_lint.inputs.list_spec import SaidPlatform, from_template, read_list_spec

SPEC = """\
image: localhost:5000/team/app:v1
tags: [latest, "1.2"]
annotations:
  org.opencontainers.image.version: 1.2
manifests:
  - image: localhost:5000/team/app-amd64:v1
  - image: localhost:5000/team/app-arm:v1
    platform: {os: linux, architecture: arm, variant: v6}
  - image: localhost:5000/team/app-win:v1
    platform:
      os: windows
      architecture: amd64
      osversion: 10.0.20348.1
      os.features: [win32k]
"""


def test_a_description_is_read_with_all_that_manifest_tool_knows() -> None:
    spec = read_list_spec(SPEC, "spec.yaml")
    assert ("localhost:5000/team/app:v1", ("latest", "1.2")) == (str(spec.image), spec.tags)
    assert {"org.opencontainers.image.version": "1.2"} == spec.annotations
    assert [
        ("localhost:5000/team/app-amd64:v1", SaidPlatform(), "spec.yaml:6"),
        ("localhost:5000/team/app-arm:v1", SaidPlatform("linux", "arm", "v6"), "spec.yaml:7"),
        (
            "localhost:5000/team/app-win:v1",
            SaidPlatform("windows", "amd64", None, "10.0.20348.1", ("win32k",)),
            "spec.yaml:9",
        ),
    ] == [(str(one.image), one.platform, one.where) for one in spec.entries]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "s.yaml: it is not one YAML mapping"),
        ("- a\n", "s.yaml: it is not one YAML mapping"),
        ("image: a\n---\nimage: b\n", "s.yaml: it is not one YAML mapping"),
        ("image: [\n", "s.yaml:2: not YAML"),
        ("manifests: []\n", "s.yaml:1: image is missing"),
        ("image: A\nmanifests: []\n", "s.yaml:1: not a reference: 'A'"),
        ("image: a\n", "s.yaml:1: manifests has to be a list"),
        ("image: a\nmanifest: []\n", "s.yaml:2: there is no key 'manifest'; did you mean manif"),
        ("image: a\nmanifests:\n- x\n", "s.yaml:3: an entry has to be a mapping"),
        ("image: a\nmanifests:\n- image: b\n  arch: x\n", "s.yaml:4: there is no key 'arch'; kno"),
        (
            "image: a\nmanifests:\n- image: b\n  platform: {os: linux, arch: arm}\n",
            "s.yaml:4: there is no key 'arch'; did you mean architecture?",
        ),
        (
            "image: a\nmanifests:\n- image: b\n  platform: {os: linux}\n",
            "s.yaml:4: a platform without architecture: say both or neither",
        ),
        ("image: a\ntags: x\nmanifests: []\n", "s.yaml:2: tags has to be a list"),
        ("image: a\ntags: [a/b]\nmanifests: []\n", "s.yaml:2: 'a/b' is not a tag"),
        ("image: a\nannotations: [x]\nmanifests: []\n", "s.yaml:2: annotations has to be a map"),
        ("image: a\nannotations: {x: {}}\nmanifests: []\n", "s.yaml:2: x has to be a text"),
        (
            "image: a\nmanifests:\n- image: b\n  platform: {os.features: x}\n",
            "s.yaml:4: os.features has to be a list",
        ),
    ],
)
def test_a_mistake_is_named_with_file_and_line(text: str, said: str) -> None:
    with pytest.raises(ReferenceInvalid) as error:
        read_list_spec(text, "s.yaml")
    assert said == str(error.value)[: len(said)]


def test_a_template_names_one_image_for_each_platform() -> None:
    platforms = ["linux/amd64", "linux/arm/v7", "windows(10.0.1.1)/amd64"]
    spec = from_template("OS-HOST.example:5000/a-ARCHVARIANT:OS", platforms, "x/y:v1", ["a"])
    assert ["a-amd64:linux", "a-armv7:linux", "a-amd64:windows"] == [
        str(one.image).rpartition("/")[2] for one in spec.entries
    ]
    assert {"OS-HOST.example:5000"} == {one.image.registry for one in spec.entries}
    assert [None, "v7", None] == [one.platform.variant for one in spec.entries]
    assert [None, None, "10.0.1.1"] == [one.platform.os_version for one in spec.entries]
    assert ("docker.io/x/y:v1", ("a",)) == (str(spec.image), spec.tags)


@pytest.mark.parametrize(
    ("template", "platform", "said"),
    [
        ("app-ARCH:v1", "linux", "it names no architecture"),
        ("app-ARCH:v1", "abc/123/x/y", "not a platform"),
        ("app-VARIANT", "linux/amd64", "--template for linux/amd64: not a reference"),
    ],
)
def test_a_template_that_names_nothing_is_refused(template: str, platform: str, said: str) -> None:
    with pytest.raises(ReferenceInvalid, match=said):
        from_template(template, [platform], "x")
